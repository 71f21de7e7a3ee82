"""The labs: their pages (`1-partitions.md` ...), their programs, and what checks them.

python run.py labs/null_key.py      run a program of a lab, on any system
python run.py check 1               what is reached of lab 1, asked from the broker
python run.py check                 progress over all labs
"""

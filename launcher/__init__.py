"""What `python run.py` does; `cli` has its commands."""

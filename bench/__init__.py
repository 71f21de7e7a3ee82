"""Measures how fast the programs are, against others on the same broker and in the same run.

    python run.py bench                     everything, about ten minutes
    python run.py bench click drain         only these subjects
    python run.py bench --quick             tiny sizes: to see that it runs, not how fast

The learner's topic `likes` and group `likes-ui` are not touched.
"""

"""The exercises on the page: the task, the verdict on each save of the learner's file, hints, a solution.

Importing a module starts nothing.
"""

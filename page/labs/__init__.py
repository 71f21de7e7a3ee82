"""The lab pages, each from its README.md in labs/: read, predict, do, see and check on one page.

Importing a module starts nothing.
"""

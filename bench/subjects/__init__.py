"""What is measured. Each module has a `TITLE` and `measure(bench)`, which gives the lines of the table."""

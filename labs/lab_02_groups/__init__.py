"""Lab 2: Consumer groups."""

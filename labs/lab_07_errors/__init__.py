"""Lab 7: Errors."""

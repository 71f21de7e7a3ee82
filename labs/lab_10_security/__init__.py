"""Lab 10: Security."""

"""Lab 4: Keys and ordering."""

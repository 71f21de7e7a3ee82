"""Lab 9: Replication."""

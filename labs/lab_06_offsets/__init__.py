"""Lab 6: Offsets and replay."""

"""Lab 1: Topics, partitions, offsets."""

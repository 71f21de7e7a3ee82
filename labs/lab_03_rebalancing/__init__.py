"""Lab 3: Rebalancing."""

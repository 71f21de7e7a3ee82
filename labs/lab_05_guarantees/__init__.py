"""Lab 5: Delivery guarantees."""

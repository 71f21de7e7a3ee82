"""What the checks of some labs read in the bytes of Kafka's protocol and of its internal topics. You may skip this."""

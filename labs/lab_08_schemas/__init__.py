"""Lab 8: Message content and schemas."""

"""What home share prints."""

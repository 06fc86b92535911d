"""What home share does by itself, and what is kept."""

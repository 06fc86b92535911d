"""What is filled in for home share."""

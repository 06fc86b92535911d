"""What changes in home share."""

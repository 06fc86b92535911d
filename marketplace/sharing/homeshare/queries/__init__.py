"""What is asked about home share."""

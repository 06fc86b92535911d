"""What neighbours share."""

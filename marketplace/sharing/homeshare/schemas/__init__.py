"""What comes in from the forms of home share."""

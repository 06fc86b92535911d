"""Rooms of public buildings, booked when idle."""

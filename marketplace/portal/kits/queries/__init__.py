"""Kits and their bookings, and when a whole kit is free."""

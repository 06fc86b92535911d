"""Kits: rooms and things of a building that are booked together or not at all."""

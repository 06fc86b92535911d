"""Signed news of what happened, for the city's own systems."""

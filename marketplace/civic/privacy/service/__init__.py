"""Copies of one's data, and being erased."""

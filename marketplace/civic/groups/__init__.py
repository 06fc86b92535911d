"""Clubs, associations and institutions, and acting for them or for a caller."""

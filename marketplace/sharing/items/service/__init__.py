"""Verbs that change things and loans."""

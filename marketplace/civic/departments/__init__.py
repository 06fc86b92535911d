"""The city's departments."""

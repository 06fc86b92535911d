"""People: registering, signing in, roles, residency, sessions, tokens."""

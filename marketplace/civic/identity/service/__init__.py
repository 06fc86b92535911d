"""Speaking with the identity provider, and linking accounts to whom it knows."""

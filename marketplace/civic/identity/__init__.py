"""Signing in with the city's identity provider (OpenID Connect)."""

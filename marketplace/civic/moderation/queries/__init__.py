"""Cases, concerns for safety, and figures."""

"""Setting up second factors, proving who one is by them, and taking them away."""

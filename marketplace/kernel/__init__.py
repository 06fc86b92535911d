"""Flask-free ground; imports nothing else of ours."""

"""The entry point for gunicorn and the flask command."""

from marketplace import create_app

app = create_app()

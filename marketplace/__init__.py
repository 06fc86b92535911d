"""Maeul, a sharing-city platform: the Flask application."""

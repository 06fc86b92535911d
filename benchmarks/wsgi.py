"""The entry point as served, with what server.py sets."""

from benchmarks import server as server
from wsgi import app as app

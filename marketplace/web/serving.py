"""How gunicorn serves Maeul: gunicorn --config python:marketplace.web.serving wsgi:app

The application is loaded once, before the workers are forked. When PREPARE names a size of the demo city (or none), as
./run does, that one process also brings the database up to date first: a second start then loads Python only once.
No connection may cross the fork, so the prepare command has to close those it made.
"""

import gc
import os
import sys
from typing import Any

from click import ClickException
from flask.cli import ScriptInfo

from marketplace.web import schema

_host = os.environ.get("BIND", "127.0.0.1")
bind = f"{f'[{_host}]' if ':' in _host else _host}:{os.environ.get('PORT', '8000')}"
worker_class = "gthread"
workers = int(os.environ.get("WORKERS", "2"))
threads = 4
preload_app = True
graceful_timeout = 10
loglevel = "warning"
control_socket_disable = True


def on_starting(server: Any) -> None:
    """Bring the database up to date before the first connection is accepted, or refuse one that is not."""
    app = server.app.wsgi()
    seed = os.environ.get("PREPARE")
    try:
        if seed:
            app.cli.main(["prepare", "--seed", seed], standalone_mode=False, obj=ScriptInfo(create_app=lambda: app))
        schema.require_head(app.extensions["settings"].database_url)
    except ClickException as refusal:
        sys.exit(refusal.format_message())
    # What is loaded by now stays. Otherwise each full collection walks all of it, 0.1 s amid some request, and the
    # workers' memory, shared until then, becomes their own.
    gc.collect()
    gc.freeze()

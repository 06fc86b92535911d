"""Structured logs: one JSON line an event, with the request's id, without personal data."""

import logging
import sys

import structlog

PRIVATE = {"password", "email", "token", "secret", "authorization", "cookie", "csrf_token"}


def _without_secrets(_logger: object, _name: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    return {key: "[left out]" if key.lower() in PRIVATE else value for key, value in event.items()}


def install(*, readable: bool) -> None:
    """Write events to standard error: coloured lines for a developer, JSON for a machine."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _without_secrets,
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(colors=False) if readable else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )

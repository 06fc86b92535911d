"""Structured logs: one JSON line an event, with the request's id, without personal data."""

import logging
import sys
import traceback

import structlog

PRIVATE = {"password", "email", "token", "secret", "authorization", "cookie", "csrf_token"}


def _without_secrets(_logger: object, _name: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    return {key: "[left out]" if key.lower() in PRIVATE else value for key, value in event.items()}


def _without_messages(_logger: object, _name: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Of an exception only its kind and its place: its message may hold what someone typed."""
    failure: BaseException | None = event.pop("exc_info", None)
    lines: list[str] = []
    while failure is not None:
        lines += [*traceback.format_tb(failure.__traceback__), type(failure).__qualname__]
        failure = failure.__cause__ or (None if failure.__suppress_context__ else failure.__context__)
    return {**event, "exception": "\n".join(lines)} if lines else event


def install(*, readable: bool) -> None:
    """Write events to standard error: lines for a developer, with what went wrong in full; JSON for a machine."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _without_secrets,
            *(
                [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)]
                if readable
                else [_without_messages, structlog.processors.JSONRenderer()]
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )

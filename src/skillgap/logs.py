"""Log lines: structured, on standard error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, MutableMapping
from typing import Any

import orjson
import stamina
import structlog

from skillgap.urls import masked_urls


def _without_secrets(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask the URLs of a line: what libraries report may quote one with a password."""
    for key, value in event.items():
        if isinstance(value, str) and "://" in value:
            event[key] = masked_urls(value)
    return event


_COMMON: list[structlog.typing.Processor] = [
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure_logging(*, log_format: str, log_level: str) -> None:
    """Send structlog's lines to standard error, as JSON or for the eye, those of retries as well."""
    as_json = log_format == "json"
    stamina.instrumentation.set_on_retry_hooks([_log_retry])
    for_the_eye = structlog.dev.ConsoleRenderer(colors=_takes_colours())
    structlog.configure(
        processors=[
            *_COMMON,
            structlog.processors.format_exc_info,
            _without_secrets,
            structlog.processors.JSONRenderer(_json) if as_json else for_the_eye,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(log_level),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer)
        if as_json
        else structlog.PrintLoggerFactory(sys.stderr),
    )


def _log_retry(details: stamina.instrumentation.RetryDetails) -> None:
    log = structlog.get_logger("skillgap.sources")
    log.warning("trying again", after_seconds=round(details.wait_for, 1), error=str(details.caused_by))


def _takes_colours() -> bool:
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR")


def server_logging(*, log_format: str) -> dict[str, Any]:
    """Return the logging configuration that gives the server's own lines the same form and place."""
    renderer = _json_text if log_format == "json" else structlog.dev.ConsoleRenderer(colors=_takes_colours())
    return {
        "formatters": {
            "structlog": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.format_exc_info,
                    _without_secrets,
                    renderer,
                ],
                "foreign_pre_chain": _COMMON,
            }
        },
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "structlog",
                "stream": "ext://sys.stderr",
            }
        },
        "loggers": {"_granian": {"handlers": ["stderr"], "level": "INFO", "propagate": False}},
    }


def _json_text(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> str:
    return _json(event, default=str).decode()


def _json(event: MutableMapping[str, Any], default: Callable[[Any], Any]) -> bytes:
    try:
        return orjson.dumps(event, default=default)
    except orjson.JSONEncodeError:  # a text with half a character, as a path may have; a line must not be lost for it
        return json.dumps(event, default=default).encode()

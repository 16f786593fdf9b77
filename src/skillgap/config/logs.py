"""Structured logging to standard error. A server drops lines instead of waiting for a slow reader."""

from __future__ import annotations

import atexit
import io
import json
import os
import select
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, MutableMapping
from typing import Any

import orjson
import stamina
import structlog

from skillgap.escaping import for_terminal, json_for_terminal
from skillgap.urls import masked_urls

_MOST_BYTES_WAITING = 4 << 20
"""Limit of unwritten lines, about 20,000 requests."""
_MOST_BYTES_AT_ONCE = 1 << 18
_SECONDS_BETWEEN_WRITES = 0.01
"""Lines are written in batches: under load, one write per line costs as much as some answers."""
_SECONDS_TO_FLUSH = 1.0
_MULTILINE = ("event", "exception", "stack")
"""Fields whose line breaks are kept in the console format, with indented continuation lines."""


# -- format -----------------------------------------------------------------------------------------------


def configure_logging(*, log_format: str, log_level: str) -> None:
    """Send the lines of structlog and of retries to standard error, as JSON or text."""
    as_json = log_format == "json"
    stamina.instrumentation.set_on_retry_hooks([_log_retry])
    structlog.configure(
        processors=[
            *_COMMON,
            structlog.processors.format_exc_info,
            _without_secrets,
            *([structlog.processors.JSONRenderer(_json)] if as_json else _console()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(log_level),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer)
        if as_json
        else structlog.WriteLoggerFactory(sys.stderr),
    )


def server_logging(*, log_format: str) -> dict[str, Any]:
    """Return a logging configuration that formats standard library loggers, including Granian's, the same way."""
    return {
        "formatters": {
            "structlog": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.format_exc_info,
                    _without_secrets,
                    *([_json_text] if log_format == "json" else _console()),
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
        "root": {"handlers": ["stderr"], "level": "WARNING"},
    }


_COMMON: list[structlog.typing.Processor] = [
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def _console() -> list[structlog.typing.Processor]:
    return [
        _escape,
        structlog.dev.ConsoleRenderer(colors=_supports_color(), exception_formatter=structlog.dev.plain_traceback),
    ]


def _log_retry(details: stamina.instrumentation.RetryDetails) -> None:
    log = structlog.get_logger("skillgap.sources")
    log.warning("retrying", after_seconds=round(details.wait_for, 1), error=str(details.caused_by))


def _supports_color() -> bool:
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR")


def _escape(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Escape control characters and line breaks in all fields.

    Paths, titles and errors are untrusted. Tracebacks keep their lines, indented, so that none looks like a log line.
    """
    escaped: dict[str, Any] = {}
    for name, value in event.items():
        text = value if isinstance(value, str) else str(value)
        if text.isprintable():
            escaped[for_terminal(name)] = value
        elif name in _MULTILINE:
            indent = "" if name == "event" else "    "
            escaped[name] = indent + "\n    ".join(for_terminal(line) for line in text.split("\n"))
        else:
            escaped[for_terminal(name)] = for_terminal(text)
    return escaped


def _without_secrets(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask the URLs of a line: messages of libraries may quote one with a password."""
    for key, value in event.items():
        if isinstance(value, str) and "://" in value:
            event[key] = masked_urls(value)
    return event


def _json_text(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> str:
    return _json(event, default=str).decode()


def _json(event: MutableMapping[str, Any], default: Callable[[Any], Any]) -> bytes:
    try:
        line = orjson.dumps(event, default=default)
    except orjson.JSONEncodeError:  # a lone surrogate, as in some paths; the line must not be lost
        line = json.dumps(event, default=default).encode()
    if line.isascii() and b"\x7f" not in line:
        return line
    return json_for_terminal(line.decode()).encode()


# -- output ------------------------------------------------------------------------------------------------


class _Backlog:
    """Lines for a file descriptor, written by a thread. Counts lines that exceed the limit or fail to be written."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._changed = threading.Condition()
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._lost = 0
        self._is_torn = False
        """Whether the last line was written incompletely."""
        self.on_lost: Callable[[int], object] | None = None
        """Called with the number of lost lines."""
        threading.Thread(target=self._write_on, name="log", daemon=True).start()

    def put(self, lines: bytes) -> None:
        """Queue lines to be written. Never blocks."""
        with self._changed:
            fits = self._bytes + len(lines) <= _MOST_BYTES_WAITING
            if fits:
                self._waiting.append(lines)
                self._bytes += len(lines)
                self._changed.notify_all()
        if not fits:
            self._lose(lines)

    def flush(self, seconds: float) -> None:
        """Wait at most `seconds` until all lines are written."""
        with self._changed:
            self._changed.wait_for(lambda: not self._bytes, seconds)

    def _lose(self, lines: bytes) -> None:
        number = lines.count(b"\n")
        with self._changed:
            self._lost += number
        if self.on_lost:
            self.on_lost(number)

    def _write_on(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                lines, size = [self._waiting.popleft()], 0
                while self._waiting and (size := size + len(lines[-1])) < _MOST_BYTES_AT_ONCE:
                    lines.append(self._waiting.popleft())
            batch = b"".join(lines)
            unwritten = self._write(b"\n" * self._is_torn + batch)
            if unwritten:
                self._lose(unwritten)
                self._is_torn = self._is_torn or batch.removesuffix(unwritten)[-1:] not in (b"", b"\n")
            else:
                self._is_torn = False
            lost = 0
            with self._changed:
                self._bytes -= len(batch)
                self._changed.notify_all()
                if not unwritten:
                    lost, self._lost = self._lost, 0
            if lost:
                structlog.get_logger("skillgap").warning("log lines lost", lines=lost)
            time.sleep(_SECONDS_BETWEEN_WRITES)

    def _write(self, lines: bytes) -> bytes:
        """Write lines, blocking as long as necessary; return those that could not be written."""
        while lines:
            try:
                lines = lines[os.write(self._descriptor, lines) :]
            except BlockingIOError:  # another process made the file description non-blocking
                select.select([], [self._descriptor], [])
            except OSError:  # a full disk, a closed pipe
                return lines
        return b""


class _Stderr(io.TextIOBase):
    """Standard error through a backlog; accepts text and bytes."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.backlog = _Backlog(descriptor)

    @property
    def buffer(self) -> _Stderr:
        return self

    def write(self, lines: str | bytes) -> int:
        self.backlog.put(lines if isinstance(lines, bytes) else lines.encode(errors=self.errors))
        return len(lines)

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def fileno(self) -> int:
        return self._descriptor


def detach_stderr() -> None:
    """Replace `sys.stderr` with a stream that a thread writes to the same file descriptor.

    A stalled reader or a full disk then loses lines, which are counted, but blocks nothing. Call this in each process.
    Does nothing if `sys.stderr` has no file descriptor, as in tests.
    """
    for descriptor in range(3):  # the next file opened would take over a closed one and receive the log
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    try:
        descriptor = 2 if sys.stderr is None else sys.stderr.fileno()
    except OSError:
        return
    sys.stderr = _Stderr(descriptor)
    atexit.unregister(flush_stderr)
    atexit.register(flush_stderr)


def flush_stderr() -> None:
    """Wait at most a second until all lines are written."""
    if isinstance(sys.stderr, _Stderr):
        sys.stderr.backlog.flush(_SECONDS_TO_FLUSH)


def count_lost_lines(count: Callable[[int], object]) -> None:
    """Call `count` with the number of lost lines whenever some are lost."""
    if isinstance(sys.stderr, _Stderr):
        sys.stderr.backlog.on_lost = count

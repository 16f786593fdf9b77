"""The Granian server, configured for this application (why Granian: docs/internals/decisions/0003-server.md)."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import socket
import sys
import threading
from contextlib import suppress
from tempfile import TemporaryDirectory
from typing import Any

import structlog

from skillgap.config.logs import configure_logging, detach_stderr, flush_stderr, server_logging
from skillgap.config.settings import Settings, unknown_variables
from skillgap.errors import ConfigurationError
from skillgap.extras import needs

_SECONDS_TO_READ_HEADERS = 10
_SECONDS_TO_TAKE_AN_ANSWER = 20
"""Time a client may leave an answer unread, counted from the last bytes that it read."""
_SECONDS_TO_STOP = 10
_MOST_HEADER_BYTES = 65_536
_MOST_UNREAD_BYTES = 32_768
"""Bytes of answers that the system buffers for a connection. Linux doubles the value for its own overhead."""
_CONNECTIONS_WAITING = 4_096
"""Connections waiting for a worker to accept them. `net.core.somaxconn` is a second limit."""
_MOST_CONNECTIONS = 100_000
_OTHER_FILES = 256
"""Files that a worker may have open besides its connections."""
_PR_SET_PDEATHSIG = 1
_ALLOCATOR = "dirty_decay_ms:1000,muzzy_decay_ms:0"
"""Settings of Granian's allocator (jemalloc): freed memory goes back to the system after one second, not ten."""


def run(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM, then answer the requests in flight and stop. Raises ConfigurationError."""
    os.environ.setdefault("_RJEM_MALLOC_CONF", _ALLOCATOR)  # read when Granian is loaded
    with needs("serve"):
        from granian.constants import HTTPModes, Interfaces, Loops
        from granian.http import HTTP1Settings
        from granian.server import Server

    address, port = _address_to_listen_on(settings.server.host, settings.server.port)
    log_format = settings.log.format or "json"
    configure_logging(log_format=log_format, log_level=settings.log.level)
    for name, meant in unknown_variables().items():
        structlog.get_logger("skillgap").warning("no such setting", variable=name, meant=meant)
    if settings.onet.has_credentials:
        settings.onet.credentials()  # report a wrong address here and not in the log of each worker
    host = f"[{settings.server.host}]" if ":" in settings.server.host else settings.server.host
    print(f"skillgap: serving on http://{host}:{port}", file=sys.stderr)  # noqa: T201 - a bound address

    with TemporaryDirectory(prefix="skillgap-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder  # shared by the workers, so that each can report all counts
        Server(
            "skillgap.api.app:create_app",
            factory=True,
            address=address,
            port=port,
            interface=Interfaces.ASGI,
            workers=settings.server.workers,
            loop=Loops.uvloop if os.name == "posix" else Loops.asyncio,
            http=HTTPModes.http1,  # which proxies use; cleartext HTTP/2 would add attack surface
            websockets=False,
            backlog=_CONNECTIONS_WAITING,
            # A worker without a free file handle would retry accepting the next connection in a busy loop.
            backpressure=max(1, min(allow_open_files() - _OTHER_FILES, _MOST_CONNECTIONS)),
            http1_settings=HTTP1Settings(
                header_read_timeout=_SECONDS_TO_READ_HEADERS * 1_000, max_buffer_size=_MOST_HEADER_BYTES
            ),
            log_dictconfig=server_logging(log_format=log_format),
            respawn_failed_workers=True,
            workers_kill_timeout=_SECONDS_TO_STOP,
        ).serve(spawn_target=_work)


def _work(worker_id: int, process_name: Any, load_app: Any, sockets: Any, *others: Any) -> None:
    """Run Granian's worker, ended with its parent and with a limit on unread answers."""
    _end_with_parent()
    detach_stderr()
    from granian.server import Server

    try:
        (spec, holder), shared = sockets
        listening = holder or spec.build()  # on Linux each worker has its own socket
        _limit_unread(listening.get_fd())
        Server._spawn_asgi_lifespan_worker(worker_id, process_name, load_app, ((None, listening), shared), *others)
    except Exception:
        structlog.get_logger("skillgap").exception("worker failed")
        raise
    finally:
        flush_stderr()


def _end_with_parent() -> None:
    """Make this process end whenever its parent ends, so that the port is free for the next start."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL))
        if os.getppid() != parent.pid:  # it has already ended
            os._exit(1)

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def _limit_unread(descriptor: int) -> None:
    """Limit how much of an answer a client may leave unread, and for how long, on connections that a socket accepts.

    The kernel resets a connection whose client stops reading, and Granian then drops the answer.
    """
    with socket.socket(fileno=os.dup(descriptor)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MOST_UNREAD_BYTES)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _SECONDS_TO_TAKE_AN_ANSWER * 1_000)


def allow_open_files() -> int:
    """Raise the limit of open files (connections count) as far as the system allows, and return it."""
    if sys.platform == "win32":
        return 8_192  # the C library's limit, which does not count sockets
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS reports no limit but refuses to raise it to that
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST_CONNECTIONS + _OTHER_FILES if allowed == resource.RLIM_INFINITY else allowed


def _address_to_listen_on(host: str, port: int) -> tuple[str, int]:
    """Return the IP address of a host name or address, and the port (a free one for 0). Raises ConfigurationError.

    Workers share their port, so only this check notices another server on it.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ConfigurationError(
                f"cannot listen on {host}:{port} ({error.strerror or error}); "
                "choose another with --host, --port, SKILLGAP_HOST or SKILLGAP_PORT"
            ) from error
        address, chosen = probe.getsockname()[:2]
        return address, chosen

"""Granian, set up for this application (why Granian: docs/decisions/0003-server.md)."""

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
"""How long a client may leave an answer unread, counted from the last bytes that it took."""
_SECONDS_TO_STOP = 10
_MOST_HEADER_BYTES = 65_536
_MOST_UNREAD_BYTES = 32_768
"""Of answers, kept by the system for a connection; Linux takes twice as much for its own needs."""
_CONNECTIONS_WAITING = 4_096
"""To be accepted by a worker; `net.core.somaxconn` limits them, too."""
_MOST_CONNECTIONS = 100_000
_OTHER_FILES = 256
"""That a worker may have open beside its connections."""
_PR_SET_PDEATHSIG = 1
_ALLOCATOR = "dirty_decay_ms:1000,muzzy_decay_ms:0"
"""Settings of Granian's allocator (jemalloc): freed memory goes back to the system after one second, not ten."""


def run(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM; requests in flight are answered first. Raises ConfigurationError."""
    os.environ.setdefault("_RJEM_MALLOC_CONF", _ALLOCATOR)  # read when Granian is loaded
    with needs("serve"):
        from granian.constants import HTTPModes, Interfaces, Loops
        from granian.http import HTTP1Settings
        from granian.server import Server

    address, port = _address_to_listen_on(settings.host, settings.port)
    log_format = settings.log_format or "json"
    configure_logging(log_format=log_format, log_level=settings.log_level)
    for name, meant in unknown_variables().items():
        structlog.get_logger("skillgap").warning("no such setting", variable=name, meant=meant)
    if settings.has_onet_credentials:
        settings.onet_credentials()  # whoever started this hears of a wrong address, not each worker's log
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    print(f"skillgap: serving on http://{host}:{port}", file=sys.stderr)  # noqa: T201 - a bound address

    with TemporaryDirectory(prefix="skillgap-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder  # where workers count, so that each can tell for all
        Server(
            "skillgap.api.app:create_app",
            factory=True,
            address=address,
            port=port,
            interface=Interfaces.ASGI,
            workers=settings.workers,
            loop=Loops.uvloop if os.name == "posix" else Loops.asyncio,
            http=HTTPModes.http1,  # what proxies speak; HTTP/2 in clear text would be one more thing to attack
            websockets=False,
            backlog=_CONNECTIONS_WAITING,
            # A worker without a file handle for the next connection would try again and again to accept it.
            backpressure=max(1, min(allow_open_files() - _OTHER_FILES, _MOST_CONNECTIONS)),
            http1_settings=HTTP1Settings(
                header_read_timeout=_SECONDS_TO_READ_HEADERS * 1_000, max_buffer_size=_MOST_HEADER_BYTES
            ),
            log_dictconfig=server_logging(log_format=log_format),
            respawn_failed_workers=True,
            workers_kill_timeout=_SECONDS_TO_STOP,
        ).serve(spawn_target=_work)


def _work(worker_id: int, process_name: Any, load_app: Any, sockets: Any, *others: Any) -> None:
    """Be a worker: Granian's own, which ends with its parent and limits what a client may leave unread."""
    _end_with_parent()
    detach_stderr()
    from granian.server import Server

    try:
        (spec, holder), shared = sockets
        listening = holder or spec.build()  # on Linux each worker has a socket of its own
        _limit_unread(listening.get_fd())
        Server._spawn_asgi_lifespan_worker(worker_id, process_name, load_app, ((None, listening), shared), *others)
    except Exception:
        structlog.get_logger("skillgap").exception("worker failed")
        raise
    finally:
        flush_stderr()


def _end_with_parent() -> None:
    """Have this process killed when its parent ends, however that ends: its port is free for the next start."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL))
        if os.getppid() != parent.pid:  # it had ended before
            os._exit(1)

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def _limit_unread(descriptor: int) -> None:
    """Limit, for the connections that a socket will accept, what a client may leave unread, and how long.

    The kernel then resets a connection whose client takes nothing more, and Granian drops what it held for it.
    """
    with socket.socket(fileno=os.dup(descriptor)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MOST_UNREAD_BYTES)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _SECONDS_TO_TAKE_AN_ANSWER * 1_000)


def allow_open_files() -> int:
    """Take as many open files, which connections are, as the system lets this process have; return how many."""
    if sys.platform == "win32":
        return 8_192  # of the C library; sockets are not counted
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS tells of no limit, and refuses none
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST_CONNECTIONS + _OTHER_FILES if allowed == resource.RLIM_INFINITY else allowed


def _address_to_listen_on(host: str, port: int) -> tuple[str, int]:
    """Return the address of a host, which may be a name, and the port, a free one for 0. Raises ConfigurationError.

    Workers share their port, so only this tells that another server has it.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ConfigurationError(
                f"cannot listen on {host}:{port} ({error.strerror or error}); "
                "choose another by --host, --port, SKILLGAP_HOST or SKILLGAP_PORT"
            ) from error
        address, chosen = probe.getsockname()[:2]
        return address, chosen

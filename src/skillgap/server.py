"""Granian, set up for this application (why Granian: docs/decisions/0003-server.md)."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import suppress
from tempfile import TemporaryDirectory

import structlog
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.server import Server

from skillgap.errors import ConfigurationError
from skillgap.logs import configure_logging, server_logging
from skillgap.settings import Settings, unknown_variables

_SECONDS_TO_READ_HEADERS = 10
_SECONDS_TO_STOP = 10
_MOST_HEADER_BYTES = 65_536


def run(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM; requests in flight are answered first. Raises ConfigurationError."""
    port = _port_to_listen_on(settings.host, settings.port)
    log_format = settings.log_format or "json"
    configure_logging(log_format=log_format, log_level=settings.log_level)
    for name, meant in unknown_variables().items():
        structlog.get_logger("skillgap").warning("no such setting", variable=name, meant=meant)
    if settings.has_onet_credentials:
        settings.onet_access()  # whoever started this hears of a wrong address, not each worker's log
    allow_open_files()
    print(f"skillgap: serving on http://{settings.host}:{port}", file=sys.stderr, flush=True)  # noqa: T201 - a bound address
    with TemporaryDirectory(prefix="skillgap-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder  # where workers count, so that each can tell for all
        Server(
            "skillgap.api.main:create_app",
            factory=True,
            address=settings.host,
            port=port,
            interface=Interfaces.ASGI,
            workers=settings.workers,
            loop=Loops.uvloop if os.name == "posix" else Loops.asyncio,
            http=HTTPModes.http1,  # what proxies speak; HTTP/2 in clear text would be one more thing to attack
            websockets=False,
            http1_settings=HTTP1Settings(
                header_read_timeout=_SECONDS_TO_READ_HEADERS * 1_000, max_buffer_size=_MOST_HEADER_BYTES
            ),
            log_dictconfig=server_logging(log_format=log_format),
            respawn_failed_workers=True,
            workers_kill_timeout=_SECONDS_TO_STOP,
        ).serve()


def allow_open_files() -> None:
    """Take as many open files, which connections are, as the system lets this process have."""
    if sys.platform != "win32":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        with suppress(ValueError, OSError):  # macOS tells of no limit, and refuses none
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _port_to_listen_on(host: str, port: int) -> int:
    """Return the port, a free one for 0. Workers share their port, so only this tells that another server has it."""
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
        chosen: int = probe.getsockname()[1]
        return chosen

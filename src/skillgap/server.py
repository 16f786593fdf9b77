"""Granian, set up for this application (why Granian: docs/decisions/0003-server.md)."""

from __future__ import annotations

import os
import socket
import sys

from granian.constants import Interfaces, Loops
from granian.http import HTTP1Settings
from granian.server import Server

from skillgap.errors import ConfigurationError
from skillgap.logs import server_logging
from skillgap.settings import Settings

_SECONDS_TO_READ_HEADERS = 10
_SECONDS_TO_STOP = 10


def run(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM; requests in flight are answered first. Raises ConfigurationError."""
    port = _port_to_listen_on(settings.host, settings.port)
    print(f"skillgap: serving on http://{settings.host}:{port}", file=sys.stderr, flush=True)
    Server(
        "skillgap.api.main:create_app",
        factory=True,
        address=settings.host,
        port=port,
        interface=Interfaces.ASGI,
        workers=settings.workers,
        loop=Loops.uvloop if os.name == "posix" else Loops.asyncio,
        websockets=False,
        http1_settings=HTTP1Settings(header_read_timeout=_SECONDS_TO_READ_HEADERS * 1_000),
        log_dictconfig=server_logging(log_format=settings.log_format),
        respawn_failed_workers=True,
        workers_kill_timeout=_SECONDS_TO_STOP,
    ).serve()


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

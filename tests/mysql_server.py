"""A private MySQL or MariaDB server for tests, as fast and as empty as it can be."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pymysql
import stamina
from sqlalchemy import make_url
from sqlalchemy.engine import URL


@contextmanager
def private_mysql(server: str, folder: Path, *, port: int | None = None) -> Iterator[URL]:
    """Run a server on a separate data directory; a second run on the same folder finds its data."""
    data, port = folder / "data", port or _free_port()
    command = [
        server,
        "--no-defaults",
        f"--datadir={data}",
        f"--socket={folder / 'socket'}",
        f"--pid-file={folder / 'pid'}",
        f"--log-error={folder / 'log'}",
        f"--port={port}",
        "--bind-address=127.0.0.1",
        "--skip-log-bin",
        "--innodb-doublewrite=0",
        "--innodb-flush-log-at-trx-commit=0",
        f"--user={getpass.getuser()}",
    ]
    url = make_url(f"mysql+pymysql://root@127.0.0.1:{port}/mysql")
    # A server that starts deletes all temporary tables of its temporary folder: it must not be that of another server.
    with tempfile.TemporaryDirectory() as temporary:
        environment = {**os.environ, "TMPDIR": temporary}
        if not data.exists():
            _make_data_directory(server, data, environment)
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            try:
                for attempt in stamina.retry_context(on=pymysql.Error, attempts=None, timeout=60, wait_max=0.2):
                    with attempt:
                        _connect(url).close()
                yield url
            finally:
                process.terminate()


def _make_data_directory(server: str, data: Path, environment: dict[str, str]) -> None:
    data.mkdir(parents=True)
    if installer := shutil.which("mariadb-install-db"):
        make = [installer, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal"]
        make += ["--skip-test-db", f"--user={getpass.getuser()}"]
    else:
        make = [server, "--no-defaults", f"--datadir={data}", "--initialize-insecure", f"--user={getpass.getuser()}"]
    subprocess.run(make, check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _connect(url: URL) -> pymysql.Connection:
    return pymysql.connect(
        host=url.host,
        port=url.port or 3306,
        user=url.username or "root",
        password=url.password or "",
        connect_timeout=2,
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

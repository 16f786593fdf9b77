"""Commands that serve: serve, new-key, mcp."""

from __future__ import annotations

from typing import Annotated

import typer

from skillgap.cli.setup import open_engine, read_settings
from skillgap.extras import needs

commands = typer.Typer()


@commands.command(epilog="Example: skillgap serve --port 8080")
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (SKILLGAP_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 picks a free one (SKILLGAP_PORT).")] = None,
    workers: Annotated[int | None, typer.Option(help="Number of worker processes (SKILLGAP_WORKERS).")] = None,
) -> None:
    """Serve the web page and the HTTP API. Stops on SIGINT or SIGTERM after finishing open requests."""
    from skillgap.api.server import run
    from skillgap.config import settings as configuration
    from skillgap.config.logs import detach_stderr
    from skillgap.service.embedded import has_data

    detach_stderr()  # before the first line is written, so that a full disk cannot stop the service
    options = {"host": host, "port": port, "workers": workers}
    settings = configuration.read_settings(**{name: value for name, value in options.items() if value is not None})
    settings.check()
    if settings.database.url is not None or not has_data(settings.database.embedded_file):
        open_engine()
    run(settings)


@commands.command(epilog="Example: skillgap new-key reporting --requests-per-minute 600")
def new_key(
    name: Annotated[str, typer.Argument(help="Name of the key, used in the log and in the file of keys.")],
    requests_per_minute: Annotated[int, typer.Option(min=1, help="Rate limit of the key.")] = 600,
) -> None:
    """Create an API key and print it once. Adds its hash to the file SKILLGAP_API_KEYS_FILE."""
    from skillgap.config import settings
    from skillgap.config.api_keys import new_key as create_key
    from skillgap.errors import ConfigurationError

    file = settings.read_settings().access.api_keys_file
    if file is None:
        raise ConfigurationError("set SKILLGAP_API_KEYS_FILE to the file of keys; it is created if it does not exist")
    typer.echo(create_key(file, name, requests_per_minute=requests_per_minute))  # noqa: TID251 - our own text


@commands.command(epilog="Example: skillgap mcp --http --port 8001")
def mcp(
    http: Annotated[
        bool, typer.Option("--http", help="Serve over HTTP (/mcp) instead of standard input and output.")
    ] = False,
    host: Annotated[str | None, typer.Option(help="Address to listen on with --http. [default: 127.0.0.1]")] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port to listen on with --http. [default: 8001]")
    ] = None,
) -> None:
    """Serve tools to AI agents (MCP). Speaks the Model Context Protocol and requires the extra `mcp`."""
    from skillgap.service.snapshot import CurrentData

    if (host or port) and not http:
        raise typer.BadParameter("--host and --port require --http")
    with needs("mcp"):
        from skillgap.mcp.server import create_server
    read_settings()
    current = CurrentData(open_engine())
    current.refresh()
    server = create_server(current)
    if http:
        server.run(
            "streamable-http", host=host or "127.0.0.1", port=port or 8001, stateless_http=True, json_response=True
        )
    else:
        server.run("stdio")

"""Who a client is: its address behind proxies, and what rates and queues count as one."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from starlette.types import ASGIApp, Receive, Scope, Send

Address = IPv4Address | IPv6Address

KEY_NAME = "skillgap.key"
"""Key of the request's scope: the name of its API key, if it has one."""

_MOST_HOPS = 32
"""Of X-Forwarded-For that are looked at, from the last; whoever fills a header with addresses must not cost time."""


def parse_address(text: str) -> Address | None:
    """Return an address, alone or with a port as proxies write it; None for anything else.

    IPv4 addresses written as IPv6 (`::ffff:192.0.2.7`), as a socket for both gives them, are returned as IPv4.
    """
    host = text.strip().strip('"')
    if host.startswith("["):
        host, bracket, port = host[1:].partition("]")
        if not bracket or (port and not (port[0] == ":" and _is_port(port[1:]))):
            return None
    elif host.count(":") == 1:
        host, _, port = host.partition(":")
        if not _is_port(port):
            return None
    try:
        address = ip_address(host.partition("%")[0])  # without the interface of a link-local address
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5


def client_of(scope: Scope) -> str:
    """Return what counts as one client: an IPv4 address, 64 bits of an IPv6 address, `""` if unknown."""
    address = parse_address(scope["client"][0]) if scope.get("client") else None
    if isinstance(address, IPv6Address):
        return str(ip_network((address, 64), strict=False))
    return str(address or "")


def asker_of(scope: Scope) -> str:
    """Return what counts as one client: a key, or else an address as of `client_of`."""
    key = scope.get(KEY_NAME)
    return f"key {key}" if key else client_of(scope)


class TrustedProxies:
    """ASGI middleware that takes a client's address and scheme from the headers of proxies in the given networks."""

    def __init__(self, app: ASGIApp, networks: Sequence[str]) -> None:
        self._app = app
        self._networks = [ip_network(text) for text in networks]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope.get("client"):
            peer = parse_address(scope["client"][0])
            if peer is not None and self._trusts(peer):
                scope["client"] = (str(self._client(peer, _header(scope, b"x-forwarded-for"))), 0)
                scheme = _header(scope, b"x-forwarded-proto").partition(",")[0].strip().lower()
                if scheme in ("http", "https"):
                    scope["scheme"] = scheme
        return await self._app(scope, receive, send)

    def _client(self, proxy: Address, forwarded_for: str) -> Address:
        """Return the last address that no trusted proxy has; each proxy vouches for the one before it, and no more.

        Where a proxy names something else than an address, it is the client itself.
        """
        for hop in reversed(forwarded_for.rsplit(",", _MOST_HOPS)[-_MOST_HOPS:]):
            if not hop.strip():
                continue
            address = parse_address(hop)
            if address is None:
                return proxy
            if not self._trusts(address):
                return address
            proxy = address
        return proxy

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def _header(scope: Scope, wanted: bytes) -> str:
    """Return a header, all of its lines together; `""` if there is none."""
    return ",".join(value.decode("latin-1") for name, value in scope["headers"] if name == wanted and value.strip())

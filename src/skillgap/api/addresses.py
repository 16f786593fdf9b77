"""Identify clients: addresses behind proxies, and the unit that rate limits and queues count."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from starlette.types import ASGIApp, Receive, Scope, Send

Address = IPv4Address | IPv6Address

KEY_NAME = "skillgap.key"
"""Key of the request's scope for the name of its API key, if any."""

_MOST_HOPS = 32
"""Addresses of X-Forwarded-For that are read, from the last. A header full of addresses must not cost time."""


def parse_address(text: str) -> Address | None:
    """Return the address of a text, with or without a port; None if there is none.

    IPv4 addresses in IPv6 form (`::ffff:192.0.2.7`), as a dual-stack socket reports them, are returned as IPv4.
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
    """Return a client's identity: its IPv4 address or the first 64 bits of its IPv6 address, `""` if unknown."""
    address = parse_address(scope["client"][0]) if scope.get("client") else None
    if isinstance(address, IPv6Address):
        return str(ip_network((address, 64), strict=False))
    return str(address or "")


def asker_of(scope: Scope) -> str:
    """Return a client's identity: its API key or, without one, the address from `client_of`."""
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
        """Return the last address that is not a trusted proxy's. Each proxy vouches only for the hop before it.

        If a proxy forwards something other than an address, the proxy itself counts as the client.
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
    """Return a header with its lines joined, `""` if missing."""
    return ",".join(value.decode("latin-1") for name, value in scope["headers"] if name == wanted and value.strip())

"""The network address of a client, for rate limits and the security log."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.types import Scope

Proxies = Sequence[IPv4Network | IPv6Network]
MOST_HOPS = 20
REMEMBERED = 4_096
"""Addresses that a process need not read again: a client that keeps its connection sends the same one each time."""


class Networks:
    """`proxies`: the networks whose X-Forwarded-For is trusted."""

    def __init__(self, proxies: Proxies = ()) -> None:
        self._proxies = proxies

    def of(self, scope: Scope) -> str:
        """The client's address; for IPv6 its /64, since a client owns all of it. "" without an address."""
        client = scope.get("client")
        peer = _address(client[0]) if client else None
        if peer is None:
            return ""
        if self._proxies and self._trusts(peer):
            peer = self._forwarded(scope, peer)
        return _network(peer)

    def _forwarded(self, scope: Scope, peer: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
        """The last address that is not a trusted proxy's: clients can forge all before it."""
        forwarded = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
        for hop in reversed(forwarded.split(b",")[-MOST_HOPS:]):
            address = _address(hop.decode("latin-1").strip())
            if address is None:
                break
            peer = address
            if not self._trusts(peer):
                break
        return peer

    def _trusts(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in proxies for proxies in self._proxies)


@lru_cache(REMEMBERED)
def _network(address: IPv4Address | IPv6Address) -> str:
    return str(ip_network((address, 64), strict=False)) if address.version == 6 else str(address)


@lru_cache(REMEMBERED)
def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address

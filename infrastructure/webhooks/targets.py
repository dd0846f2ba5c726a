"""Where webhooks may go: globally routable unicast addresses, and the networks that are allowed besides.

The tables have every block of IANA's special-purpose registries that lies within global unicast, also those that the
registries call globally reachable: none of them is the address of a server.
"""

import asyncio
import socket
from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import httpx

from application.webhooks.ports import WebhookTargetRefused

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LOOK_UPS, PATIENCE = 4, 2.0  # at once; seconds

GLOBAL_UNICAST = IPv6Network("2000::/3")
NAT64 = IPv6Network("64:ff9b::/96")  # the last four bytes are an IPv4 address
ISATAP = (bytes.fromhex("00005efe"), bytes.fromhex("02005efe"))  # the same, after these four bytes
NOT_PUBLIC_IPV4 = [
    IPv4Network(block)
    for block in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    )
]
NOT_PUBLIC_IPV6 = [
    IPv6Network(block)
    for block in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3ffe::/16", "3fff::/20")
]


def is_public(address: Address) -> bool:
    """Whether this is a globally routable unicast address that embeds no other."""
    if isinstance(address, IPv4Address):
        return not any(address in block for block in NOT_PUBLIC_IPV4)
    if address in NAT64:
        return is_public(IPv4Address(address.packed[-4:]))
    if address not in GLOBAL_UNICAST or address.packed[8:12] in ISATAP:
        return False
    return not any(address in block for block in NOT_PUBLIC_IPV6)


class WebhookTargets:
    """Checks addresses and URLs. `allow`: networks that are allowed besides public ones."""

    def __init__(self, allow: Collection[Network] = ()) -> None:
        self._allow = allow
        self._places = asyncio.Semaphore(LOOK_UPS)

    def admits(self, address: Address) -> bool:
        """Whether the address is public, or in an allowed network."""
        return is_public(address) or any(address in network for network in self._allow)

    async def check(self, url: str) -> None:
        """Raise WebhookTargetRefused if the URL leads to an address that is refused at delivery.

        A name that is unknown, or not looked up in time, may be right later.
        """
        try:
            async with asyncio.timeout(PATIENCE), self._places:
                refused = await self.refused(url)
        except (TimeoutError, OSError, UnicodeError, httpx.InvalidURL):
            return
        if refused is not None:
            raise WebhookTargetRefused

    async def refused(self, url: str) -> Address | None:
        """The first address of the URL's host that is not admitted; raises OSError or UnicodeError for none."""
        found = httpx.URL(url)
        port = found.port or (443 if found.scheme == "https" else 80)
        known = await asyncio.get_running_loop().getaddrinfo(found.host, port, type=socket.SOCK_STREAM)
        addresses = (ip_address(str(host).partition("%")[0]) for *_, (host, *_) in known)
        return next((address for address in addresses if not self.admits(address)), None)

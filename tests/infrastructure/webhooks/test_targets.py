"""Webhooks go to globally routable unicast addresses: never to a special-purpose block, in any form."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import ip_addresses

from application.webhooks.ports import WebhookTargetRefused
from infrastructure.webhooks.targets import WebhookTargets, is_public

LINES = Path(__file__).with_name("special_purpose.txt").read_text().splitlines()
BLOCKS = [ip_network(block) for line in LINES if line[0] != "#" for block in line.split()]
PRIVATE = [block for block in BLOCKS if isinstance(block, IPv4Network)]


def embedding(address: IPv4Address) -> Iterator[IPv6Address]:
    """The forms of IPv6 address that hold an IPv4 address."""
    low = int(address)
    yield IPv6Address(low)  # IPv4-compatible
    yield IPv6Address(0xFFFF << 32 | low)  # IPv4-mapped
    yield IPv6Address(0xFFFF << 48 | low)  # IPv4-translated
    yield IPv6Address(0x64FF9B << 96 | low)  # NAT64
    yield IPv6Address(0x64FF9B0001 << 80 | low)  # NAT64 of one network
    yield IPv6Address(0x2002 << 112 | low << 80 | 1)  # 6to4
    yield IPv6Address(0x20010000 << 96 | 0x5DB8D822 << 64 | (~low & 0xFFFFFFFF))  # Teredo
    for interface in (0x00005EFE, 0x02005EFE):
        yield IPv6Address(0x26062800022000010000000000000000 | interface << 32 | low)  # ISATAP


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_every_special_purpose_block_is_refused(block: object) -> None:
    first, last = block[0], block[-1]  # type: ignore[index]
    middle = ip_address(int(first) + (int(last) - int(first)) // 2)
    assert [each for each in (first, middle, last) if is_public(type(first)(int(each)))] == []


@given(st.sampled_from(BLOCKS).flatmap(lambda block: ip_addresses(network=block)))
def test_any_address_of_a_special_purpose_block_is_refused(address: IPv4Address | IPv6Address) -> None:
    assert not is_public(address)


@given(st.sampled_from(PRIVATE).flatmap(lambda block: ip_addresses(network=block)))
def test_no_form_of_ipv6_hides_an_ipv4_address_that_is_not_public(address: IPv4Address) -> None:
    assert [str(each) for each in embedding(address) if is_public(each)] == []


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2606:2800:220:1::1", "2a00:1450:4001:82a::200e"])
def test_servers_of_the_internet_are_admitted(address: str) -> None:
    assert is_public(ip_address(address))


def test_nat64_leads_to_public_servers() -> None:
    assert is_public(ip_address("64:ff9b::5db8:d822"))
    assert not is_public(ip_address("64:ff9b::7f00:1"))


URLS = ["https://127.0.0.1/h", "https://[::1]:8443/h", "https://localhost/h", "https://10.0.0.1/h", "http://0x7f.1/h"]


@pytest.mark.parametrize("url", URLS)
async def test_a_url_that_leads_there_is_refused(url: str) -> None:
    with pytest.raises(WebhookTargetRefused, match="WEBHOOK_ALLOW_PRIVATE"):
        await WebhookTargets().check(url)


@pytest.mark.parametrize("url", ["https://93.184.216.34/h", "https://no-such-host.invalid/h", "https://a..b/h"])
async def test_a_url_that_is_public_or_unknown_is_not(url: str) -> None:
    await WebhookTargets().check(url)


async def test_an_allowed_network_is_admitted() -> None:
    targets = WebhookTargets([IPv4Network("127.0.0.0/8")])
    await targets.check("https://127.0.0.1/h")
    with pytest.raises(WebhookTargetRefused):
        await targets.check("https://10.0.0.1/h")

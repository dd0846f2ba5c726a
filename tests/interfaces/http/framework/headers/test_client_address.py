"""From which network does a request come?"""

from ipaddress import ip_network

import pytest

from interfaces.http.framework.headers.client_address import Networks

PROXY, OUTER = "10.0.0.1", "10.9.9.9"
networks = Networks([ip_network("10.0.0.0/8"), ip_network("fd00::/8")])


def of(peer: str | None, *forwarded: str) -> str:
    headers = [(b"x-forwarded-for", each.encode()) for each in forwarded]
    return networks.of({"client": peer and (peer, 4711), "headers": headers})


@pytest.mark.parametrize(
    ("peer", "forwarded", "network"),
    [
        ("192.0.2.1", (), "192.0.2.1"),
        ("192.0.2.1", ("198.51.100.7",), "192.0.2.1"),
        (PROXY, ("198.51.100.7",), "198.51.100.7"),
        (PROXY, ("203.0.113.9, 198.51.100.7",), "198.51.100.7"),
        (PROXY, ("203.0.113.9", f"198.51.100.7, {OUTER}"), "198.51.100.7"),
        (PROXY, (), PROXY),
        (PROXY, ("nonsense",), PROXY),
        (PROXY, ("203.0.113.9, nonsense",), PROXY),
        (PROXY, ("198.51.100.7, unknown, " + OUTER,), OUTER),
        (PROXY, (OUTER,), OUTER),
        ("2001:db8:1:2:3:4:5:6", (), "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", (), "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", (), "192.0.2.1"),
        ("fe80::1%eth0", (), "fe80::/64"),
        ("fd00::1", ("2001:db8::1",), "2001:db8::/64"),
        (None, ("198.51.100.7",), ""),
        ("testclient", (), ""),
    ],
)
def test_it_is_the_clients_as_far_as_it_can_be_believed(peer: str | None, forwarded: tuple[str, ...], network: str):
    assert of(peer, *forwarded) == network

"""What nginx speaks at its doors: TLS 1.2 and 1.3 with good suites, and nothing but a redirect without TLS."""

from __future__ import annotations

import subprocess
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support.waiting import PATIENCE
from tests.system.compose.deployment import NGINX, Deployment

on_nginx = pytest.mark.parametrize("deployment", [NGINX], indirect=True)
ANY = "ALL:@SECLEVEL=0"


def shaken(deployment: Deployment, *options: str) -> str:
    """What a client says that offers this alone. It takes whatever the server takes."""
    door = f"localhost:{urlsplit(deployment.url).port}"
    command = ["openssl", "s_client", "-connect", door, *options]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


@on_nginx
def test_only_tls_1_2_and_1_3_are_spoken(deployment: Deployment) -> None:
    for old in ("-tls1", "-tls1_1"):
        assert "alert protocol version" in shaken(deployment, old, "-cipher", ANY)
    assert "Cipher is ECDHE-" in shaken(deployment, "-tls1_2", "-cipher", ANY)
    assert "Cipher is TLS_" in shaken(deployment, "-tls1_3")
    for weak in ("AES128-SHA256", "AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA"):  # no forward secrecy, or CBC
        assert "handshake failure" in shaken(deployment, "-tls1_2", "-cipher", f"{weak}:@SECLEVEL=0")


@on_nginx
def test_plain_http_is_sent_to_https(deployment: Deployment) -> None:
    door = deployment.compose("port", "nginx", "8080").strip()
    answer = httpx.get(f"http://{door}/v1/services?limit=1", headers={"Host": "booking.example.org"}, timeout=PATIENCE)
    assert (answer.status_code, answer.headers["location"]) == (308, "https://booking.example.org/v1/services?limit=1")

"""What PROD refuses: secrets that others know, plain http, and servers elsewhere without verified TLS."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydantic import SecretStr

EXAMPLES = frozenset({"postgres", "password", "secret", "daybook", "changeme", "user:password"})
"""Passwords of development and of the documents."""
EXAMPLE_KEYS = frozenset({"Xq0Vn7vR0S4m8aK1yqkq7o2p9u8wQZr5c3YfZ1m2b0s="})
"""The keys that docs/configuration.md shows."""
_HERE = frozenset({"localhost", "127.0.0.1", "::1", ""})
_PASSWORDS = ("db_pass", "db_superuser_pass", "flower_basic_auth")
_SERVERS = {"redis_url": "redis", "broker_url": "redis", "nats_url": "nats"}
_TLS = {"amqp": "amqps", "pyamqp": "amqps", "amqps": "amqps", "nats": "tls"}
_UNVERIFIED = ("none", "optional", "cert_none", "cert_optional", "false", "no", "0")


def refused_in_production(values: Mapping[str, Any], public_url: str) -> Iterator[tuple[str, str | None, str]]:
    """Name, value (None for a secret) and advice of each setting that PROD refuses. `public_url`: its default."""
    yield from _known_secrets(values)
    url = str(values.get("public_url", public_url))
    if not url.startswith("https://"):
        yield "public_url", url, "use https://...: the URL that people type, also where a proxy ends TLS"
    unverified = {each.strip() for each in str(values.get("unverified_servers") or "").split(",")} | _HERE
    host, mode = str(values.get("db_host") or ""), str(values.get("db_sslmode", "prefer"))
    if host not in unverified and not host.startswith("/") and mode != "verify-full":
        yield "db_sslmode", mode, f"use verify-full, with DB_SSLROOTCERT, {_or_name(host)}"
    for name, plain in _SERVERS.items():
        server = urlsplit(_text(values.get(name)))
        host = server.hostname or ""
        if server.scheme and host not in unverified and not _verified(server.scheme, server.query):
            tls = _TLS.get(server.scheme, f"{plain}s")
            yield name, None, f"use {tls}://... with a certificate that is verified, {_or_name(host)}"


def _known_secrets(values: Mapping[str, Any]) -> Iterator[tuple[str, str | None, str]]:
    for name in ("secret_key", "master_key", "secret_key_previous"):
        if _text(values.get(name)) in EXAMPLE_KEYS:
            yield name, None, "use a key of your own: this one stands in the documents"
    for name in _PASSWORDS:
        if _text(values.get(name)) in EXAMPLES:
            yield name, None, "use a password of your own; this makes one: openssl rand -hex 24"
    for name in _SERVERS:
        if urlsplit(_text(values.get(name))).password in EXAMPLES:
            yield name, None, "use a password of your own; this makes one: openssl rand -hex 24"


def _verified(scheme: str, query: str) -> bool:
    options = {name.lower(): each[-1].lower() for name, each in parse_qs(query).items()}
    asked = [options.get(name, "") for name in ("ssl_cert_reqs", "ssl_check_hostname")]
    return scheme in {"rediss", "amqps", "tls", "unix"} and not any(each in _UNVERIFIED for each in asked)


def _or_name(host: str) -> str:
    return f"or name {host} in UNVERIFIED_SERVERS if nobody else reaches the network in between"


def _text(value: Any) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value or "")

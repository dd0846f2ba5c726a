"""Checks of single settings. A function returns the value, or raises ValueError with the advice to give."""

import re
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BaseModel, Field, SecretStr

KEY_BYTES: Mapping[str, int] = {"HS256": 32, "HS384": 48, "HS512": 64}
"""The shortest key of each algorithm: as long as its hash (RFC 7518, section 3.2)."""
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?")
_MAILTO = re.compile(r"mailto:[^@\s]+@[^@\s]+")
_DSN = re.compile(r"https?://[^\s:@/?#]+(:[^\s@/?#]+)?@[^\s@/?#]+(/[^\s@/?#]+)*/[0-9]+")
_NATS_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_WEB = re.compile(r"https?://[^\s#?]+")


def parts(text: str) -> Sequence[str]:
    """The parts of a list by comma, without empty ones."""
    return [part.strip() for part in text.split(",") if part.strip()]


def networks(text: str) -> Sequence[IPv4Network | IPv6Network]:
    """Raises ValueError."""
    return [ip_network(part) for part in parts(text)]


def networks_only(text: str) -> str:
    try:
        networks(text)
    except ValueError as wrong:
        raise ValueError(f"use networks by comma, such as 10.0.0.0/8,127.0.0.1/32 ({wrong})") from None
    return text


def origins_only(text: str) -> str:
    if wrong := [origin for origin in parts(text) if not _ORIGIN.fullmatch(origin)]:
        raise ValueError(f"use origins by comma, such as https://app.example.org, not {wrong[0]}")
    return text


def hours_only(text: str) -> str:
    if not text:  # beat and Flower, which have none, do not load the domain
        return text
    from application.notifications.quiet_hours import QuietHours

    try:
        QuietHours.read(text)
    except ValueError:
        raise ValueError("use hours such as 21:00-08:00") from None
    return text


def web_address(text: str) -> str:
    if not _WEB.fullmatch(text):
        raise ValueError("use a URL such as https://booking.example.org, without query or fragment")
    return text


def help_address(text: str) -> str:
    if text and not (_WEB.fullmatch(text) or _MAILTO.fullmatch(text)):
        raise ValueError("use a URL such as https://example.org/help or mailto:help@example.org")
    return text


def known_algorithm(name: str) -> str:
    if name not in KEY_BYTES:
        raise ValueError(
            "use HS256, HS384 or HS512: Daybook signs tokens for itself, so it needs one shared key and no key pair"
        )
    return name


def redis_address(url: SecretStr | None) -> SecretStr | None:
    return _address(url, {"redis", "rediss", "unix"}, "redis://:password@localhost:6379/0")


def broker_address(url: SecretStr | None) -> SecretStr | None:
    example = "redis://:password@localhost:6379/1 or amqp://user:password@localhost:5672/vhost"
    return _address(url, {"redis", "rediss", "amqp", "amqps", "pyamqp"}, example)


def nats_address(url: SecretStr | None) -> SecretStr | None:
    return _address(url, {"nats", "tls"}, "nats://user:password@localhost:4222 or tls://localhost:4222")


def nats_name(name: str) -> str:
    if not _NATS_NAME.fullmatch(name):
        raise ValueError("use letters, digits, hyphens and underscores")
    return name


def mail_server(url: SecretStr | None) -> SecretStr | None:
    return _address(url, {"smtp", "smtps"}, "smtp://user:password@host:587?starttls or smtps://host:465")


def sentry_address(dsn: SecretStr | None) -> SecretStr | None:
    """The DSN of a project: its key as the user, its number at the end of the path."""
    if dsn is not None and not _DSN.fullmatch(dsn.get_secret_value()):
        raise ValueError("use the DSN of a project, such as https://key@sentry.example.org/1")
    return dsn


def collector_address(text: str) -> str:
    if text and not _WEB.fullmatch(text):
        raise ValueError("use the URL of an OTLP endpoint, such as http://localhost:4318/v1/traces")
    return text


def user_and_password(pair: SecretStr | None) -> SecretStr | None:
    if pair is not None and not all(pair.get_secret_value().partition(":")):
        raise ValueError("use user:password")
    return pair


def _address(url: SecretStr | None, schemes: set[str], example: str) -> SecretStr | None:
    if url is None:
        return None
    advice = ValueError(f"use a URL such as {example}")
    try:
        place: SplitResult = urlsplit(url.get_secret_value())
        _ = place.port
    except ValueError:
        raise advice from None
    if place.scheme not in schemes or not (place.hostname or place.scheme == "unix"):
        raise advice
    return url


def hash_list(path: Path | None) -> Path | None:
    """A file whose first line is a SHA-1 hash, as lists of breached passwords have it; raises ValueError."""
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            first = file.readline(100)
    except OSError:
        raise ValueError(f"cannot be read: {path}") from None
    if not re.match(rb"[0-9A-F]{40}(:[0-9]+)?\r?\n", first):
        raise ValueError("needs SHA-1 hashes in upper case, one a line, in order, as haveibeenpwned.com offers them")
    return path


class FeedSettings(BaseModel):
    """How long streams of events last, and where `daybook feed-sink` publishes to."""

    api_stream_seconds: float = Field(3600.0, gt=0)
    nats_url: Annotated[SecretStr | None, Field(None), AfterValidator(nats_address)]
    nats_url_file: Annotated[Path | None, Field(None)]
    nats_stream: Annotated[str, AfterValidator(nats_name)] = "DAYBOOK"
    nats_subject: Annotated[str, AfterValidator(nats_name)] = "daybook"

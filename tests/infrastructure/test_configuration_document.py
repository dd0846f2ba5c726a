"""Every name of the owner and of the documents sets what it says; documents, example and code have the same names."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from infrastructure.database.address import DatabaseAddress
from infrastructure.settings import Settings
from infrastructure.settings_rules import RENAMED, SECRETS

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs/configuration.md").read_text()
EXAMPLE = (ROOT / ".env.example").read_text()
ROWS = re.findall(r"^\| `([A-Z_]+)` \| (`[^`]*`|—|a sample) \| (.+) \|$", DOCUMENT, re.MULTILINE)
FILES = dict(re.findall(r"^\| `([A-Z_]+_FILE)` \| `([A-Z_]+)` \|$", DOCUMENT, re.MULTILINE))
OWNERS: dict[str, tuple[str, Any]] = {
    "MODE": ("TEST", "TEST"),
    "LOG_LEVEL": ("DEBUG", "DEBUG"),
    "DB_HOST": ("localhost", "localhost"),
    "DB_PORT": ("5433", 5433),
    "DB_USER": ("postgres", "postgres"),
    "DB_PASS": ("postgres", "postgres"),
    "DB_NAME": ("postgres_db", "postgres_db"),
    "TEST_DB_HOST": ("localhost", "localhost"),
    "TEST_DB_PORT": ("5434", 5434),
    "TEST_DB_USER": ("postgres", "postgres"),
    "TEST_DB_PASS": ("postgres", "postgres"),
    "TEST_DB_NAME": ("another_db", "another_db"),
    "SECRET_KEY": ("k" * 44, "k" * 44),
    "ALGORITHM": ("HS384", "HS384"),
}
"""The names that the owner fixed: a value, and what the setting is then."""
BREACHED = Path(__file__).parent / "breached.txt"
OURS: dict[str, tuple[str, Any]] = {
    "API_HOST": ("0.0.0.0", "0.0.0.0"),
    "API_PORT": ("9000", 9000),
    "API_CONNECTIONS": ("50", 50),
    "API_CACHE_MB": ("128", 128),
    "API_QUEUE_DELAY": ("0.2", 0.2),
    "API_DRAIN_SECONDS": ("5", 5.0),
    "API_STREAM_SECONDS": ("600", 600.0),
    "ADMIN": ("true", True),
    "PUBLIC_URL": ("https://booking.example.org", "https://booking.example.org"),
    "TRUSTED_PROXIES": ("10.0.0.0/8,127.0.0.1/32", "10.0.0.0/8,127.0.0.1/32"),
    "CORS_ORIGINS": ("https://app.example.org", "https://app.example.org"),
    "SECRET_KEY_PREVIOUS": ("p" * 44, "p" * 44),
    "MASTER_KEY": ("m" * 44, "m" * 44),
    "MASTER_KEY_PREVIOUS": ("q" * 44, "q" * 44),
    "FORGETTING_DAYS": ("30", 30),
    "FORGOTTEN_FILE": ("/var/lib/daybook/forgotten", Path("/var/lib/daybook/forgotten")),
    "BREACHED_PASSWORDS": (str(BREACHED), BREACHED),
    "DB_SSLMODE": ("verify-full", "verify-full"),
    "DB_SSLROOTCERT": ("/etc/daybook/db_ca.pem", "/etc/daybook/db_ca.pem"),
    "UNVERIFIED_SERVERS": ("postgres,redis", "postgres,redis"),
    "DB_SUPERUSER": ("root", "root"),
    "DB_SUPERUSER_PASS": ("secret", "secret"),
    "DB_POOL_SIZE": ("20", 20),
    "DB_POOL_TIMEOUT": ("2.5", 2.5),
    "POSTGRES_BIN": ("/usr/lib/postgresql/15/bin", Path("/usr/lib/postgresql/15/bin")),
    "TEST_DB_SUPERUSER": ("root", "root"),
    "TEST_DB_SUPERUSER_PASS": ("secret", "secret"),
    "REDIS_URL": ("redis://:password@localhost:6379/0", "redis://:password@localhost:6379/0"),
    "REDIS_PREFIX": ("restored:", "restored:"),
    "BROKER_URL": ("amqp://user:password@localhost:5672/vhost", "amqp://user:password@localhost:5672/vhost"),
    "BROKER_VISIBILITY_TIMEOUT": ("60", 60),
    "WORKER_CONCURRENCY": ("8", 8),
    "FLOWER_URL": ("http://127.0.0.1:5555", "http://127.0.0.1:5555"),
    "METRICS_HOST": ("0.0.0.0", "0.0.0.0"),
    "METRICS_PORT": ("9100", 9100),
    "METRICS_URL": ("http://127.0.0.1:9100/metrics", "http://127.0.0.1:9100/metrics"),
    "FLOWER_BASIC_AUTH": ("user:password", "user:password"),
    "SENTRY_DSN": ("https://key@sentry.example.org/1", "https://key@sentry.example.org/1"),
    "SENTRY_ENVIRONMENT": ("staging", "staging"),
    "TRACING_URL": ("http://localhost:4318/v1/traces", "http://localhost:4318/v1/traces"),
    "SMTP_URL": ("smtp://user:password@host:587?starttls", "smtp://user:password@host:587?starttls"),
    "MAIL_FROM": ("Salon <salon@example.org>", "Salon <salon@example.org>"),
    "MAIL_SENDER_NAME": ("Salons Ltd", "Salons Ltd"),
    "MAIL_SENDER_ADDRESS": ("1 High Street, Leeds", "1 High Street, Leeds"),
    "SUPPORT_URL": ("https://example.org/help", "https://example.org/help"),
    "MAILBOX": ("/var/mail/daybook", Path("/var/mail/daybook")),
    "QUIET_HOURS": ("21:00-08:00", "21:00-08:00"),
    "NATS_URL": ("nats://user:password@localhost:4222", "nats://user:password@localhost:4222"),
    "NATS_STREAM": ("EVENTS", "EVENTS"),
    "NATS_SUBJECT": ("events", "events"),
    "WEBHOOK_ALLOW_PRIVATE": ("127.0.0.0/8", "127.0.0.0/8"),
}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (*Settings.model_fields, *RENAMED):
        monkeypatch.delenv(name.upper(), raising=False)


def plain(value: Any) -> Any:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


@pytest.mark.parametrize("name", [name for name, _, _ in ROWS])
@pytest.mark.parametrize("source", ["environment", ".env"])
def test_every_documented_name_sets_what_it_says(
    name: str, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    value, expected = (OWNERS | OURS)[name]
    assert plain(getattr(Settings(), name.lower())) != expected
    longer = {"SECRET_KEY": "k" * 64} if name == "ALGORITHM" else {}
    for each, text in ({name: value} | longer).items():
        if source == "environment":
            monkeypatch.setenv(each, text)
        else:
            with (tmp_path / ".env").open("a") as dotenv:
                dotenv.write(f'{each}="{text}"\n')
    assert plain(getattr(Settings(), name.lower())) == expected


@pytest.mark.parametrize(("name", "replaced"), FILES.items())
def test_every_documented_file_holds_the_secret(
    name: str, replaced: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    value, expected = (OWNERS | OURS)[replaced]
    (tmp_path / "secret").write_text(f"{value}\n")
    monkeypatch.setenv(name, str(tmp_path / "secret"))
    assert plain(getattr(Settings(), replaced.lower())) == expected


def test_document_example_and_code_have_the_same_names() -> None:
    names = sorted(name.upper() for name in Settings.model_fields)
    assert sorted([*(name for name, _, _ in ROWS), *FILES]) == names
    assert sorted(name for name, _ in in_example()) == names
    assert sorted(FILES.values()) == sorted(name.upper() for name in SECRETS)
    assert set(OWNERS) <= set(names)


def in_example() -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = re.findall(r"^(?:# )?([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE)
    return found


def test_document_example_and_code_have_the_same_defaults() -> None:
    defaults = {name.upper(): plain(field.default) for name, field in Settings.model_fields.items()}
    assert dict(in_example()) == {name: "" if value is None else str(value) for name, value in defaults.items()}
    for name, shown, _ in ROWS:
        if shown != "a sample":
            assert shown.strip("`") == ("—" if defaults[name] in {None, ""} else str(defaults[name])), name


def test_the_document_tells_the_limits() -> None:
    told = {name: meaning for name, _, meaning in ROWS}
    for name, field in Settings.model_fields.items():
        low, over, high = (
            next((limit for each in field.metadata if (limit := getattr(each, kind, None)) is not None), None)
            for kind in ("ge", "gt", "le")
        )
        if low is not None:
            assert (f"{low} to {high}" if high is not None else f"{low} or more") in told[name.upper()]
        if over is not None:
            assert f"above {over}" in told[name.upper()]


def test_the_document_names_the_new_name_of_each_old_one() -> None:
    table = DOCUMENT.partition("## Names of release 0.1.0")[2]
    rows = [tuple(re.findall(r"`([A-Z_]+)`", row)) for row in table.splitlines() if row.startswith("| `")]
    assert {old: new for row in rows for old, new in zip(row[: len(row) // 2], row[len(row) // 2 :], strict=True)} == {
        old.upper(): new for old, new in RENAMED.items()
    }


def test_the_example_starts_as_it_is(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(EXAMPLE)
    assert Settings() == Settings(_env_file=None)


def test_the_owners_environment_file_starts_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (shown,) = re.findall(r"^```\n(MODE=.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert set(re.findall(r"^([A-Z_]+)=", shown, re.MULTILINE)) == set(OWNERS)
    (tmp_path / ".env").write_text(shown)
    owners = DatabaseAddress("localhost", 5432, "postgres_db", "postgres", "postgres")
    assert Settings().database == Settings().owner_database == owners
    monkeypatch.setenv("MODE", "TEST")
    assert Settings().database == DatabaseAddress("localhost", 5432, "test_postgres_db", "postgres", "postgres")

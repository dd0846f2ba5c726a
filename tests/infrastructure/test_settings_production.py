"""What PROD refuses, each with advice that leads out; the same settings start in DEV."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import ValidationError

from infrastructure.settings import Settings, without_superuser
from infrastructure.settings_report import faults_text
from infrastructure.settings_rules import RENAMED

GOOD: Mapping[str, str] = {
    "MODE": "PROD",
    "SECRET_KEY": "s" * 44,
    "MASTER_KEY": "m" * 44,
    "PUBLIC_URL": "https://booking.example.org",
    "DB_HOST": "db.example.org",
    "DB_PASS": "0d9f6a1c",
    "DB_SSLMODE": "verify-full",
    "DB_SSLROOTCERT": "/etc/daybook/ca.pem",
    "REDIS_URL": "rediss://:0d9f6a1c@redis.example.org:6379/0",
    "BROKER_URL": "amqps://daybook:0d9f6a1c@broker.example.org:5671/",
}
REFUSED = [
    ({"PUBLIC_URL": "http://booking.example.org"}, "PUBLIC_URL=http://booking.example.org   use https://"),
    ({"PUBLIC_URL": ""}, "PUBLIC_URL=http://127.0.0.1:8000   use https://"),
    ({"SECRET_KEY": "Xq0Vn7vR0S4m8aK1yqkq7o2p9u8wQZr5c3YfZ1m2b0s="}, "SECRET_KEY   use a key of your own"),
    ({"MASTER_KEY": ""}, "MASTER_KEY   use a key of your own"),
    ({"DB_PASS": "postgres"}, "DB_PASS   use a password of your own; this makes one: openssl"),
    ({"DB_SUPERUSER_PASS": "postgres"}, "DB_SUPERUSER_PASS   use a password of your own"),
    ({"FLOWER_BASIC_AUTH": "user:password"}, "FLOWER_BASIC_AUTH   use a password of your own"),
    ({"REDIS_URL": "rediss://:password@redis.example.org"}, "REDIS_URL   use a password of your own"),
    *(
        (
            {"DB_SSLMODE": mode},
            f"DB_SSLMODE={mode}   use verify-full, with DB_SSLROOTCERT, or name db.example.org in UNVERIF",
        )
        for mode in ("disable", "allow", "prefer", "require", "verify-ca")
    ),
    ({"REDIS_URL": "redis://:0d9f@redis.example.org"}, "REDIS_URL   use rediss://... with a certificate"),
    ({"REDIS_URL": "rediss://:0d9f@redis.example.org?ssl_cert_reqs=none"}, "REDIS_URL   use rediss://"),
    ({"REDIS_URL": "rediss://:0d9f@redis.example.org?ssl_check_hostname=False"}, "REDIS_URL   use rediss://"),
    ({"BROKER_URL": "amqp://daybook:0d9f@broker.example.org/"}, "BROKER_URL   use amqps://"),
    ({"BROKER_URL": "redis://:0d9f@broker.example.org/"}, "BROKER_URL   use rediss://"),
    ({"UNVERIFIED_SERVERS": "postgres", "DB_SSLMODE": "prefer"}, "DB_SSLMODE=prefer   use verify-full"),
]


@pytest.fixture(autouse=True)
def good_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (*Settings.model_fields, *RENAMED):
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)


def test_production_takes_what_is_safe() -> None:
    assert str(Settings().database).startswith("DatabaseAddress(host='db.example.org'")
    assert Settings().database.dsn.endswith(  # type: ignore[union-attr]
        "@db.example.org:5432/daybook?sslmode=verify-full&sslrootcert=%2Fetc%2Fdaybook%2Fca.pem"
    )


@pytest.mark.parametrize(("changed", "advice"), REFUSED, ids=[str(changed) for changed, _ in REFUSED])
def test_production_refuses(changed: Mapping[str, str], advice: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in changed.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as refused:
        Settings()
    told = faults_text(refused.value)
    assert told.startswith("Daybook cannot start: 1 setting is wrong.\n")
    assert f"  {advice}" in told
    assert len(told.splitlines()) == 3
    monkeypatch.setenv("MODE", "DEV")
    Settings()


def test_all_of_it_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {"PUBLIC_URL": "http://here", "DB_PASS": "postgres", "DB_SSLMODE": "prefer", "REDIS_URL": "redis://redis"}
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as refused:
        Settings()
    assert "4 settings are wrong" in faults_text(refused.value)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "/var/run/postgresql"])
def test_a_server_on_this_machine_needs_no_tls(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_HOST", host)
    monkeypatch.setenv("DB_SSLMODE", "prefer")
    monkeypatch.setenv("REDIS_URL", "redis://:0d9f@localhost:6379/0")
    monkeypatch.setenv("BROKER_URL", "redis://:0d9f@127.0.0.1:6380/0")
    Settings()


def test_a_network_of_ones_own_needs_no_tls_where_a_setting_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "DB_HOST": "postgres",
        "DB_SSLMODE": "prefer",
        "REDIS_URL": "redis://:0d9f@redis",
        "BROKER_URL": "redis://:0d9f@broker",
        "UNVERIFIED_SERVERS": "postgres, redis,broker",
    }.items():
        monkeypatch.setenv(name, value)
    Settings()


def test_roles_that_run_for_long_refuse_the_superuser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_SUPERUSER", "postgres")
    with pytest.raises(ValidationError) as refused:
        without_superuser(Settings())
    assert "  DB_SUPERUSER=postgres   leave it out: only `daybook migrate`" in faults_text(refused.value)
    monkeypatch.setenv("MODE", "DEV")
    without_superuser(Settings())

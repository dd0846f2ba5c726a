import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from application.notifications.quiet_hours import QuietHours
from infrastructure.settings import (
    SAMPLE_MASTER_KEY,
    SAMPLE_SECRET_KEY,
    DatabaseAddress,
    Environment,
    Settings,
)

ROOT = Path(__file__).parents[2]
OWN_KEY = "k" * 32


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def test_with_nothing_set_it_is_development_on_the_servers_of_this_machine() -> None:
    settings = Settings()
    assert settings.environment is Environment.DEV
    assert settings.database is None
    assert settings.redis_url is None


@pytest.mark.parametrize("name", ["SECRET_KEY", "MASTER_KEY"])
@pytest.mark.parametrize("key", [None, SAMPLE_SECRET_KEY, SAMPLE_MASTER_KEY, "k" * 31, "é" * 15])
def test_production_refuses_the_sample_keys_and_short_ones(
    name: str, key: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVIRONMENT", "PROD")
    monkeypatch.setenv("MASTER_KEY" if name == "SECRET_KEY" else "SECRET_KEY", OWN_KEY)
    if key is not None:
        monkeypatch.setenv(name, key)
    with pytest.raises(ValidationError, match=f"{name} must be your own and 32 bytes at least"):
        Settings()


def test_production_takes_keys_of_32_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "PROD")
    monkeypatch.setenv("SECRET_KEY", OWN_KEY)
    monkeypatch.setenv("MASTER_KEY", OWN_KEY)
    assert Settings().secret_key.get_secret_value() == OWN_KEY


@pytest.mark.parametrize("name", ["SECRET_KEY", "DB_PASSWORD", "DB_SUPERUSER_PASSWORD", "REDIS_URL"])
def test_a_secret_may_be_in_a_file(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "secret"
    secret.write_text(f"{OWN_KEY}\n")
    monkeypatch.setenv(f"{name}_FILE", str(secret))
    assert getattr(Settings(), name.lower()).get_secret_value() == OWN_KEY


def test_a_secret_both_plain_and_in_a_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", OWN_KEY)
    monkeypatch.setenv("SECRET_KEY_FILE", "/run/secrets/key")
    with pytest.raises(ValidationError, match="SECRET_KEY and SECRET_KEY_FILE are both set"):
        Settings()


def test_a_secret_file_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD_FILE", str(tmp_path / "nowhere"))
    with pytest.raises(ValidationError, match=r"DB_PASSWORD_FILE: .*nowhere"):
        Settings()


def test_the_owner_of_the_database_is_the_application_role_unless_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DB_HOST", "db")
    monkeypatch.setenv("DB_PASSWORD", "secret")
    assert (
        Settings().owner_database == Settings().database == DatabaseAddress("db", 5432, "daybook", "daybook", "secret")
    )
    monkeypatch.setenv("DB_SUPERUSER", "postgres")
    assert Settings().owner_database == DatabaseAddress("db", 5432, "daybook", "postgres", "")
    assert Settings().database == DatabaseAddress("db", 5432, "daybook", "daybook", "secret")


def test_the_tests_have_a_database_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_HOST", "db")
    assert Settings().test_database is None
    monkeypatch.setenv("TEST_DB_HOST", "elsewhere")
    assert Settings().test_owner_database == DatabaseAddress("elsewhere", 5432, "daybook_test", "daybook", "")


def test_an_address_quotes_what_would_break_it() -> None:
    database = DatabaseAddress("db", 5432, "day/book", "o'hara", "p@ss:/?#")
    assert database.dsn == "postgresql://o%27hara:p%40ss%3A%2F%3F%23@db:5432/day%2Fbook"


def test_no_secret_shows_in_what_is_printed_or_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_HOST", "db")
    for name in ("SECRET_KEY", "DB_PASSWORD", "REDIS_URL"):
        monkeypatch.setenv(name, "hush")
    assert "hush" not in f"{Settings()!r} {Settings().database!r}"
    monkeypatch.setenv("ENVIRONMENT", "PROD")
    with pytest.raises(ValidationError) as refused:
        Settings()
    assert "hush" not in str(refused.value)


def test_the_example_explains_every_setting_and_no_other() -> None:
    names = re.findall(r"^(?:# )?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert sorted(names) == sorted(name.upper() for name in Settings.model_fields)


def test_the_example_shows_the_defaults() -> None:
    example = (ROOT / ".env.example").read_text()
    for name in ("log_level", "api_host", "api_port", "db_port", "db_name", "db_user", "db_pool_size"):
        assert f"# {name.upper()}={Settings.model_fields[name].default}\n" in example


def test_production_refuses_a_short_previous_key_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "PROD")
    monkeypatch.setenv("SECRET_KEY", OWN_KEY)
    monkeypatch.setenv("MASTER_KEY", OWN_KEY)
    monkeypatch.setenv("SECRET_KEY_PREVIOUS", "short")
    with pytest.raises(ValidationError, match="SECRET_KEY_PREVIOUS must be your own"):
        Settings()


def test_proxies_are_networks_and_nobody_is_trusted_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(Settings().proxies) == []
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.0/8, fd00::/8,127.0.0.1")
    assert [str(each) for each in Settings().proxies] == ["10.0.0.0/8", "fd00::/8", "127.0.0.1/32"]
    monkeypatch.setenv("TRUSTED_PROXIES", "everybody")
    with pytest.raises(ValidationError, match="TRUSTED_PROXIES"):
        Settings()


def test_webhooks_go_to_private_networks_only_where_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(Settings().webhook_networks) == []
    monkeypatch.setenv("WEBHOOK_ALLOW_PRIVATE", "127.0.0.0/8,::1/128")
    assert [str(each) for each in Settings().webhook_networks] == ["127.0.0.0/8", "::1/128"]
    monkeypatch.setenv("WEBHOOK_ALLOW_PRIVATE", "localhost")
    with pytest.raises(ValidationError, match="WEBHOOK_ALLOW_PRIVATE"):
        Settings()


def test_origins_are_whole_and_nobodys_pages_may_ask_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(Settings().origins) == []
    monkeypatch.setenv("CORS_ORIGINS", "https://app.example.org, http://localhost:3000,")
    assert list(Settings().origins) == ["https://app.example.org", "http://localhost:3000"]
    for wrong in ("*", "app.example.org", "https://*.example.org", "https://a.example/", "null"):
        monkeypatch.setenv("CORS_ORIGINS", wrong)
        with pytest.raises(ValidationError, match="CORS_ORIGINS"):
            Settings()


def test_quiet_hours_are_none_unless_they_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().quiet is None
    monkeypatch.setenv("QUIET_HOURS", "21:00-08:00")
    assert Settings().quiet == QuietHours(21 * 60, 8 * 60)
    for wrong in ("night", "21-8", "08:00-08:00", "21:00-25:00"):
        monkeypatch.setenv("QUIET_HOURS", wrong)
        with pytest.raises(ValidationError, match="QUIET_HOURS"):
            Settings()

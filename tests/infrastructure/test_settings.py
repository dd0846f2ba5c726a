import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from application.notifications.quiet_hours import QuietHours
from infrastructure.database.address import DatabaseAddress
from infrastructure.settings import SAMPLE_MASTER_KEY, SAMPLE_SECRET_KEY, Mode, Settings, variables_of
from infrastructure.settings_report import faults_text, in_force
from infrastructure.settings_rules import RENAMED, SECRETS

ROOT = Path(__file__).parents[2]
OWN_KEY = "k" * 32


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (*Settings.model_fields, *RENAMED):
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("PUBLIC_URL", "https://booking.example.org")


def test_with_nothing_set_it_is_development_on_the_servers_of_this_machine() -> None:
    settings = Settings()
    assert settings.mode is Mode.DEV
    assert settings.database is None
    assert settings.redis_url is None


@pytest.mark.parametrize("name", ["SECRET_KEY", "MASTER_KEY"])
@pytest.mark.parametrize("key", [None, SAMPLE_SECRET_KEY, SAMPLE_MASTER_KEY, "k" * 31, "é" * 15])
def test_production_refuses_the_sample_keys_and_short_ones(
    name: str, key: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODE", "PROD")
    monkeypatch.setenv("MASTER_KEY" if name == "SECRET_KEY" else "SECRET_KEY", OWN_KEY)
    if key is not None:
        monkeypatch.setenv(name, key)
    with pytest.raises(ValidationError, match=rf"{name}\n  use a key of your own of 32 bytes or more"):
        Settings()


def test_production_takes_keys_of_32_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODE", "PROD")
    monkeypatch.setenv("SECRET_KEY", OWN_KEY)
    monkeypatch.setenv("MASTER_KEY", OWN_KEY)
    assert Settings().secret_key.get_secret_value() == OWN_KEY


@pytest.mark.parametrize(
    "name", ["SECRET_KEY", "DB_PASS", "DB_SUPERUSER_PASS", "TEST_DB_PASS", "TEST_DB_SUPERUSER_PASS"]
)
def test_a_secret_may_be_in_a_file(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "secret"
    secret.write_text(f"{OWN_KEY}\n")
    monkeypatch.setenv(f"{name}_FILE", str(secret))
    assert getattr(Settings(), name.lower()).get_secret_value() == OWN_KEY


def test_a_secret_both_plain_and_in_a_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", OWN_KEY)
    monkeypatch.setenv("SECRET_KEY_FILE", "/run/secrets/key")
    with pytest.raises(ValidationError, match="set SECRET_KEY or SECRET_KEY_FILE, not both"):
        Settings()


def test_a_secret_file_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASS_FILE", str(tmp_path / "nowhere"))
    with pytest.raises(ValidationError, match=r"DB_PASS_FILE\n  name a file .*No such file"):
        Settings()


def test_the_owner_of_the_database_is_the_application_role_unless_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DB_HOST", "db")
    monkeypatch.setenv("DB_PASS", "secret")
    assert (
        Settings().owner_database == Settings().database == DatabaseAddress("db", 5432, "daybook", "daybook", "secret")
    )
    monkeypatch.setenv("DB_SUPERUSER", "postgres")
    assert Settings().owner_database == DatabaseAddress("db", 5432, "daybook", "postgres", "")
    assert Settings().database == DatabaseAddress("db", 5432, "daybook", "daybook", "secret")


def test_the_tests_have_a_database_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_HOST", "db")
    assert Settings().test_owner_database is None
    monkeypatch.setenv("TEST_DB_HOST", "elsewhere")
    assert Settings().test_owner_database == DatabaseAddress("elsewhere", 5432, "test_postgres_db", "daybook", "")


def test_an_address_quotes_what_would_break_it() -> None:
    database = DatabaseAddress("db", 5432, "day/book", "o'hara", "p@ss:/?#")
    assert database.dsn == "postgresql://o%27hara:p%40ss%3A%2F%3F%23@db:5432/day%2Fbook"


def test_no_secret_shows_in_what_is_printed_or_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_HOST", "db")
    for name in ("SECRET_KEY", "MASTER_KEY", "DB_PASS"):
        monkeypatch.setenv(name, "hush" * 8)
    monkeypatch.setenv("REDIS_URL", "redis://:hush@localhost:6379/0")
    assert "hush" not in f"{Settings()!r} {Settings().database!r}"
    monkeypatch.setenv("SECRET_KEY", "hush")
    monkeypatch.setenv("SMTP_URL", "hush")
    with pytest.raises(ValidationError) as refused:
        Settings()
    assert "hush" not in f"{refused.value} {faults_text(refused.value)}"


def test_production_refuses_a_short_previous_key_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODE", "PROD")
    monkeypatch.setenv("SECRET_KEY", OWN_KEY)
    monkeypatch.setenv("MASTER_KEY", OWN_KEY)
    monkeypatch.setenv("SECRET_KEY_PREVIOUS", "short")
    with pytest.raises(ValidationError, match=r"SECRET_KEY_PREVIOUS\n  use a key of your own"):
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
    assert QuietHours.read(Settings().quiet_hours) is None
    monkeypatch.setenv("QUIET_HOURS", "21:00-08:00")
    assert QuietHours.read(Settings().quiet_hours) == QuietHours(21 * 60, 8 * 60)
    for wrong in ("night", "21-8", "08:00-08:00", "21:00-25:00"):
        monkeypatch.setenv("QUIET_HOURS", wrong)
        with pytest.raises(ValidationError, match="QUIET_HOURS"):
            Settings()


class TestModes:
    """DEV, TEST and PROD."""

    @pytest.fixture
    def both_databases(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in {
            "DB_HOST": "db", "DB_PASS": "own", "TEST_DB_HOST": "test", "TEST_DB_PORT": "5433",
            "TEST_DB_USER": "tester", "TEST_DB_PASS": "secret",
            "TEST_DB_SUPERUSER": "root", "TEST_DB_SUPERUSER_PASS": "word",
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)

    @pytest.mark.usefixtures("both_databases")
    def test_in_test_the_application_runs_on_the_database_of_the_tests(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert Settings().database == DatabaseAddress("db", 5432, "daybook", "daybook", "own")
        monkeypatch.setenv("MODE", "TEST")
        assert Settings().database == DatabaseAddress("test", 5433, "test_postgres_db", "tester", "secret")
        assert Settings().owner_database == DatabaseAddress("test", 5433, "test_postgres_db", "root", "word")

    def test_in_test_nothing_runs_on_the_database_of_development(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MODE", "TEST")
        monkeypatch.setenv("DB_HOST", "db")
        assert Settings().database is None

    @pytest.mark.parametrize(
        ("mode", "smtp", "folder"),
        [
            ("DEV", False, True),
            ("DEV", True, False),
            ("TEST", False, True),
            ("TEST", True, True),
            ("PROD", False, False),
        ],
    )
    def test_mail_goes_to_the_folder(
        self, mode: str, smtp: bool, folder: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        for name, value in {
            "MODE": mode,
            "MAILBOX": str(tmp_path),
            "SECRET_KEY": OWN_KEY,
            "MASTER_KEY": OWN_KEY,
        }.items():
            monkeypatch.setenv(name, value)
        if smtp:
            monkeypatch.setenv("SMTP_URL", "smtp://mail.example")
        assert (Settings().dev_mailbox == tmp_path) is folder
        assert (Settings().mail_server is not None) is (smtp and not folder)


class TestKeys:
    """SECRET_KEY is as long as the hash of ALGORITHM."""

    OF_32_BYTES = "Xq0Vn7vR0S4m8aK1yqkq7o2p9u8wQZr5c3YfZ1m2b0s="
    """As the owner's two commands print it: 44 characters."""

    def test_a_key_as_the_documented_commands_make_it_is_taken(self, monkeypatch: pytest.MonkeyPatch) -> None:
        commands = re.findall(r"^(?:python3|openssl) .*", (ROOT / "docs/configuration.md").read_text(), re.MULTILINE)
        assert len(commands) == 2
        for command in commands:
            made = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True).stdout.strip()
            assert len(made) == len(self.OF_32_BYTES) == 44
            for name, value in {"MODE": "PROD", "SECRET_KEY": made, "MASTER_KEY": made}.items():
                monkeypatch.setenv(name, value)
            assert Settings().secret_key.get_secret_value() == made

    @pytest.mark.parametrize("mode", ["DEV", "TEST", "PROD"])
    @pytest.mark.parametrize(("algorithm", "shortest"), [("HS256", 32), ("HS384", 48), ("HS512", 64)])
    def test_a_shorter_key_is_refused_in_every_mode_with_the_command_that_makes_one(
        self, mode: str, algorithm: str, shortest: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, value in {"MODE": mode, "ALGORITHM": algorithm, "MASTER_KEY": OWN_KEY}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("SECRET_KEY", "k" * shortest)
        assert Settings().algorithm == algorithm
        monkeypatch.setenv("SECRET_KEY", "k" * (shortest - 1))
        advice = rf"{shortest} bytes or more for {algorithm}; this makes one: python3 .*token_bytes\({shortest}\)"
        with pytest.raises(ValidationError, match=advice):
            Settings()

    @pytest.mark.parametrize("mode", ["DEV", "TEST"])
    @pytest.mark.parametrize("algorithm", ["HS256", "HS512"])
    def test_the_sample_is_taken_outside_production(
        self, mode: str, algorithm: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MODE", mode)
        monkeypatch.setenv("ALGORITHM", algorithm)
        assert Settings().secret_key.get_secret_value() == SAMPLE_SECRET_KEY

    @pytest.mark.parametrize("algorithm", ["RS256", "none", "hs256"])
    def test_another_algorithm_is_refused_with_the_reason(
        self, algorithm: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ALGORITHM", algorithm)
        with pytest.raises(ValidationError, match=r"use HS256, HS384 or HS512: .*one shared key"):
            Settings()


class TestSources:
    """The environment is stronger than `.env`."""

    def test_a_stronger_source_decides_in_which_form_a_secret_is_given(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "key").write_text("f" * 32)
        (tmp_path / ".env").write_text(f"SECRET_KEY_FILE={tmp_path}/key\nLOG_LEVEL=DEBUG\nMASTER_KEY={OWN_KEY}\n")
        assert Settings().secret_key.get_secret_value() == "f" * 32
        monkeypatch.setenv("SECRET_KEY", OWN_KEY)
        monkeypatch.setenv("MASTER_KEY_FILE", str(tmp_path / "key"))
        assert Settings().secret_key.get_secret_value() == OWN_KEY
        assert Settings().master_key.get_secret_value() == "f" * 32
        assert Settings(secret_key="a" * 32).secret_key.get_secret_value() == "a" * 32
        sources = {each.name: each.source for each in in_force(Settings(), {"redis_url"})}
        assert sources["SECRET_KEY"] == "environment"
        assert sources["MASTER_KEY"] == f"file {tmp_path}/key"
        assert sources["LOG_LEVEL"] == ".env"
        assert sources["DB_PORT"] == "default"
        assert sources["REDIS_URL"] == "daybook up"

    def test_a_child_process_gets_every_setting_that_is_set(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "key").write_text(OWN_KEY)
        (tmp_path / ".env").write_text(f"SECRET_KEY_FILE={tmp_path}/key\n")
        monkeypatch.setenv("QUIET_HOURS", "21:00-08:00")
        ours = Settings(public_url="http://127.0.0.1:8131", db_pass="secret", mailbox=tmp_path)
        for name, value in variables_of(ours).items():
            monkeypatch.setenv(name, value)
        assert Settings() == ours.model_copy(update={"secret_key_file": None})


@pytest.mark.parametrize(("old", "new"), [(old.upper(), new) for old, new in RENAMED.items()])
@pytest.mark.parametrize("source", ["environment", ".env"])
def test_a_name_of_the_release_before_is_refused_with_its_new_name(
    old: str, new: str, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert new.lower() in Settings.model_fields
    if source == "environment":
        monkeypatch.setenv(old, "hush")
    else:
        (tmp_path / ".env").write_text(f"{old}=hush\n")
    with pytest.raises(ValidationError) as refused:
        Settings()
    assert faults_text(refused.value) == (
        "Daybook cannot start: 1 setting is wrong.\n"
        f"  {old}   use {new}: {old} is its name of release 0.1.0\n"
        "Every setting is explained in .env.example."
    )


def test_all_faults_are_on_one_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "MODE": "FOO", "API_PORT": "abc", "LOG_LEVEL": "LOUD", "QUIET_HOURS": "9-5", "DB_POOL_TIMEOUT": "0",
        "SMTP_URL": "hush", "FLOWER_BASIC_AUTH": "hush", "DB_POOL_SIZE": "0", "PUBLIC_URL": "here",
        "ENVIRONMENT": "DEV",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as refused:
        Settings()
    assert faults_text(refused.value).splitlines() == [
        "Daybook cannot start: 10 settings are wrong.",
        "  ENVIRONMENT         use MODE: ENVIRONMENT is its name of release 0.1.0",
        "  MODE=FOO            use DEV, TEST or PROD",
        "  LOG_LEVEL=LOUD      use DEBUG, INFO, WARNING, ERROR or CRITICAL",
        "  API_PORT=abc        use a whole number from 0 to 65535",
        "  PUBLIC_URL=here     use a URL such as https://booking.example.org, without query or fragment",
        "  DB_POOL_SIZE=0      use a whole number of 1 or more",
        "  DB_POOL_TIMEOUT=0   use a number above 0",
        "  FLOWER_BASIC_AUTH   use user:password",
        "  SMTP_URL            use a URL such as smtp://user:password@host:587?starttls or smtps://host:465",
        "  QUIET_HOURS=9-5     use hours such as 21:00-08:00",
        "Every setting is explained in .env.example.",
    ]


@pytest.mark.parametrize("url", ["redis://:hush@cache:6379/0", "redis://h@sh:hush@cache:6379/0?password=hush"])
def test_what_is_in_force_shows_the_server_and_no_secret(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    for name in SECRETS:
        if not name.endswith(("url", "dsn")):
            monkeypatch.setenv(name.upper(), "user:" + "hush" * 8)
    shown = {each.name: each.value for each in in_force(Settings())}
    assert shown["REDIS_URL"] == "redis://***@cache:6379/0"
    assert shown["DB_PASS"] == "***"
    assert shown["TEST_DB_PORT"] == "5432"
    assert not [value for value in shown.values() if value and "hush" in value]


def test_who_needs_the_settings_and_is_listed_loads_no_domain() -> None:
    """Beat and Flower stay small."""
    code = (
        "import sys, infrastructure.observability.process_registry; from infrastructure.settings import Settings;"
        "Settings(); print(*{name.partition('.')[0] for name in sys.modules})"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {"domain", "application", "eventsourcing", "sqlalchemy"} & {*ran.stdout.split()} == set()

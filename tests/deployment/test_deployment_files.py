"""The files of a deployment: environment files, secrets, image and compose files hold to their rules."""

import json
import os
import re
import shutil
import stat
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from infrastructure.settings import Settings
from infrastructure.settings_rules import SECRETS

ROOT = Path(__file__).parents[2]
WATCH = "docker-compose-prometheus.yml"
FILES = ("docker-compose-gunicorn.yml", "docker-compose-nginx.yml", "docker/services.yml", WATCH)
SCRIPTS = [ROOT / "docker" / name for name in ("backup", "prepare", "restore", "rollout", "rotate")]
EXAMPLES = (".env.prod.example", ".env.docker.example")
OF_SCRIPTS = {
    "WEB_CONCURRENCY",
}  # read by docker/entrypoint.sh and docker/gunicorn.conf.py
MADE = {
    *("secret_key", "master_key", "db_pass", "db_superuser_pass", "redis_pass", "broker_pass", "flower_basic_auth"),
    *("redis_url", "broker_url"),
    *("smtp_url", "sentry_dsn", "tls_certificate", "tls_key", "secret_key_previous", "master_key_previous"),
    *("alert_webhook_url", "analyst_pass", "grafana_pass", "monitor_pass", "redis_exporter"),
}
MAY_BE_EMPTY = {"smtp_url", "sentry_dsn", "secret_key_previous", "master_key_previous", "alert_webhook_url"}
OF_BACKUPS = {"backup_identity", "backup_recipient"} if shutil.which("age-keygen") else set()
SENTRY = "docker-compose-sentry.yml"
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="docker/prepare needs openssl")


def a_copy(folder: Path) -> Path:
    """What docker/prepare reads and writes, in a folder of its own."""
    shutil.copytree(ROOT / "docker", folder / "docker", ignore=shutil.ignore_patterns("secrets"))
    for example in (".env.example", ".env.docker.sentry.example", *EXAMPLES):
        shutil.copy(ROOT / example, folder)
    return folder


def prepared(folder: Path, *options: str) -> str:
    """What docker/prepare says, as a script starts it: without a terminal."""
    command = [str(folder / "docker/prepare"), *options]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def secrets_of(folder: Path) -> Mapping[str, str]:
    return {each.name: each.read_text(encoding="utf-8") for each in (folder / "docker/secrets").iterdir()}


def composed(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
    return found


@needs_openssl
class TestPrepare:
    def test_tells_when_the_certificate_ends(self, tmp_path: Path) -> None:
        folder = a_copy(tmp_path)
        prepared(folder)
        text = (folder / "docker/metrics/certificate.prom").read_text(encoding="utf-8")
        (end,) = re.findall(r"^daybook_certificate_expiry_timestamp_seconds (\d+)$", text, re.MULTILINE)
        assert 824 < (int(end) - time.time()) / 86400 < 826

    def test_knows_the_passwords_of_both_redis_servers(self, tmp_path: Path) -> None:
        folder = a_copy(tmp_path)
        prepared(folder, "--alerts", "https://alerts.example.org/hook")
        made = secrets_of(folder)
        both = {"redis://redis:6379": made["redis_pass"], "redis://broker:6379": made["broker_pass"]}
        assert json.loads(made["redis_exporter"]) == both
        assert made["alert_webhook_url"] == "https://alerts.example.org/hook"

    def test_makes_every_secret_once(self, tmp_path: Path) -> None:
        folder = a_copy(tmp_path)
        prepared(folder, "--host", "booking.example.org")
        made = secrets_of(folder)
        assert made.keys() == MADE | OF_BACKUPS
        values = [value for name, value in made.items() if name not in MAY_BE_EMPTY]
        assert all(values)
        assert len({*values}) == len(values)
        prepared(folder)
        assert secrets_of(folder) == made

    def test_writes_the_host_and_the_sender(self, tmp_path: Path) -> None:
        folder = a_copy(tmp_path)
        prepared(folder, "--host", "booking.example.org", "--mail-from", "Ada & Sons <no-reply@booking.example.org>")
        lines = (folder / ".env.docker").read_text(encoding="utf-8").splitlines()
        assert "PUBLIC_URL=https://booking.example.org" in lines
        assert "MAIL_FROM=Ada & Sons <no-reply@booking.example.org>" in lines

    def test_keeps_what_people_have_changed(self, tmp_path: Path) -> None:
        folder = a_copy(tmp_path)
        prepared(folder, "--host", "booking.example.org")
        with (folder / ".env.docker").open("a", encoding="utf-8") as file:
            file.write("QUIET_HOURS=22:00-07:00\n")
        prepared(folder)
        text = (folder / ".env.docker").read_text(encoding="utf-8")
        assert "QUIET_HOURS=22:00-07:00" in text
        assert "PUBLIC_URL=https://booking.example.org" in text

    def test_lets_only_the_owner_into_the_secrets(self, tmp_path: Path) -> None:
        folder = a_copy(tmp_path)
        prepared(folder)
        assert stat.S_IMODE((folder / "docker/secrets").stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / ".env.docker").stat().st_mode) == 0o600

    def test_takes_a_certificate(self, tmp_path: Path) -> None:
        folder = a_copy(tmp_path)
        (folder / "own.pem").write_text("certificate", encoding="utf-8")
        (folder / "own.key").write_text("key", encoding="utf-8")
        prepared(folder, "--certificate", str(folder / "own.pem"), "--key", str(folder / "own.key"))
        assert secrets_of(folder)["tls_certificate"] == "certificate"

    def test_its_settings_are_accepted_in_production(self, tmp_path: Path) -> None:
        folder = a_copy(tmp_path)
        prepared(folder, "--host", "booking.example.org", "--smtp", "smtp://mail.example.org:25")
        files = {f"{name}_file": folder / "docker/secrets" / name for name in SECRETS if name in MADE}
        settings = Settings(_env_file=folder / ".env.docker", **files)  # type: ignore[arg-type]
        assert settings.mode == "PROD"
        assert settings.public_url == "https://booking.example.org"

    def test_an_empty_secret_file_is_as_good_as_none(self, tmp_path: Path) -> None:
        folder = a_copy(tmp_path)
        prepared(folder)
        files = {f"{name}_file": folder / "docker/secrets" / name for name in SECRETS if name in MADE}
        settings = Settings(_env_file=folder / ".env.docker", **files)  # type: ignore[arg-type]
        assert settings.smtp_url is None
        assert settings.sentry_dsn is None

    def test_takes_the_dsn_of_sentry(self, tmp_path: Path) -> None:
        folder = a_copy(tmp_path)
        prepared(folder, "--sentry-dsn", "https://key@sentry.example.org/1")
        prepared(folder)
        assert secrets_of(folder)["sentry_dsn"] == "https://key@sentry.example.org/1"

    def test_gives_sentry_a_password_once_and_keeps_the_key(self, tmp_path: Path) -> None:
        folder = a_copy(tmp_path)
        prepared(folder)
        file = folder / ".env.docker.sentry"
        values = dict(re.findall(r"^([A-Z_]+)=(.*)$", file.read_text(encoding="utf-8"), re.MULTILINE))
        assert values["POSTGRES_PASSWORD"] == values["SENTRY_DB_PASSWORD"] != ""
        assert values["SENTRY_SECRET_KEY"] == ""
        with_key = file.read_text(encoding="utf-8").replace("SECRET_KEY=", "SECRET_KEY==(a&b)^*%c")
        file.write_text(with_key, encoding="utf-8")
        prepared(folder)
        assert file.read_text(encoding="utf-8") == with_key
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_name_settings_alone(example: str) -> None:
    text = (ROOT / example).read_text(encoding="utf-8")
    names = set(re.findall(r"^(?:# )?([A-Z][A-Z_]+)=", text, re.MULTILINE))
    known = {name.upper() for name in Settings.model_fields}
    assert names
    assert not names - known - OF_SCRIPTS


def test_examples_hold_no_secret() -> None:
    for example in EXAMPLES:
        text = (ROOT / example).read_text(encoding="utf-8")
        for name in SECRETS:
            assert not re.search(rf"^{name.upper()}=", text, re.MULTILINE), f"{name} in {example}"


@pytest.mark.parametrize("file", FILES)
def test_scripts_of_containers_parse(file: str) -> None:
    assert composed(file)
    for script in (*ROOT.glob("docker/*.sh"), *ROOT.glob("docker/*/*.sh"), *SCRIPTS):
        subprocess.run(["bash", "-n", str(script)], check=True)
        assert os.access(script, os.X_OK), script


def test_only_the_doors_are_published() -> None:
    services = [(name, each) for file in FILES for name, each in composed(file)["services"].items()]
    published = {name: each["ports"] for name, each in services if "ports" in each}
    pages = {"prometheus", "alertmanager", "grafana"}
    assert published.keys() == {"api", "panel", "nginx", "flower", *pages}
    assert all(ports[0].split(":-")[1].startswith("127.0.0.1:") for name in pages for ports in [published[name]])
    assert published["panel"] == ["${PANEL_PUBLISHED:-127.0.0.1:8001}:8000"]
    assert published["flower"] == ["${FLOWER_PUBLISHED:-127.0.0.1:5555}:5555"]


def test_metrics_reach_prometheus_and_nobody_outside() -> None:
    shared, watch = composed("docker/services.yml"), composed(WATCH)
    for file in (shared, watch):
        assert file["networks"]["metrics"] == {"internal": True}
        assert file["networks"]["data"] == {"internal": True}
    nginx = composed("docker-compose-nginx.yml")
    assert nginx["networks"]["edge"] == watch["networks"]["edge"]
    # It would reach the API by that network too, and the API would not know it there.
    assert "metrics" not in nginx["services"]["nginx"]["networks"]
    asked = {name: each["networks"] for name, each in shared["services"].items() if each.get("image") == "daybook"}
    asked |= {"api": composed("docker-compose-gunicorn.yml")["services"]["api"]["networks"]}
    asked |= {"api of nginx": nginx["services"]["api"]["networks"]}
    assert all("metrics" in networks for name, networks in asked.items() if name not in {"migrate", "flower"})


def test_what_watches_is_confined() -> None:
    for name, service in composed(WATCH)["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
    holders = {
        name for name, each in composed(WATCH)["services"].items() if "db_superuser_pass" in each.get("secrets", ())
    }
    assert holders == {"monitor-role", "analyst-role"}


def test_the_database_has_no_way_out() -> None:
    shared = composed("docker/services.yml")
    assert shared["networks"]["data"]["internal"] is True
    for name in ("postgres", "redis", "broker", "migrate"):
        assert shared["services"][name]["networks"] == ["data"]


def test_only_the_migration_has_the_superusers_password() -> None:
    services = composed("docker/services.yml")["services"]
    holders = {name for name, each in services.items() if "db_superuser_pass" in each.get("secrets", ())}
    assert holders == {"postgres", "migrate"}


def test_every_role_is_confined() -> None:
    services = composed("docker/services.yml")["services"]
    roles = [each for each in services.values() if each.get("image") == "${DAYBOOK_IMAGE:-daybook}"]
    assert len(roles) >= 7
    for role in roles:
        assert role["read_only"] is True
        assert role["cap_drop"] == ["ALL"]
        assert role["security_opt"] == ["no-new-privileges:true"]
        assert {"memory", "pids"} <= role["deploy"]["resources"]["limits"].keys()
        assert role["logging"]["options"]["max-size"]


def test_the_secrets_of_the_compose_files_are_those_that_are_prepared() -> None:
    named = {name: each["file"] for file in FILES for name, each in composed(file).get("secrets", {}).items()}
    assert named.keys() == MADE
    assert {Path(each).name for each in named.values()} == MADE


def test_the_image_runs_as_nobody_that_others_know() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "USER 10001:10001" in text
    assert not re.search(r"^# *syntax", text, re.MULTILINE)
    assert "ARG" not in text.split("AS build")[1].split("FROM")[0]  # nothing of the caller's gets into the packages


def test_sentry_is_published_on_this_machine_alone() -> None:
    services = composed(SENTRY)["services"]
    assert services.keys() == {"sentry-base", "sentry-postgres", "sentry-redis"}
    published = {name: each["ports"] for name, each in services.items() if "ports" in each}
    assert published == {"sentry-base": ["${SENTRY_PUBLISHED:-127.0.0.1:9000}:9000"]}
    assert composed(SENTRY)["networks"]["sentry"]["internal"] is True


def test_the_example_for_sentry_has_the_names_that_its_file_reads() -> None:
    names = re.findall(r"^([A-Z_]+)=", (ROOT / ".env.docker.sentry.example").read_text(encoding="utf-8"), re.MULTILINE)
    own = (ROOT / "docker/sentry/sentry.sh").read_text(encoding="utf-8")
    assert [name for name in names if not name.startswith("POSTGRES_") and name not in own] == []
    assert len(names) == 11


def test_no_script_takes_an_environment_file_for_a_program() -> None:
    scripts = [each for each in (ROOT / "docker").rglob("*") if each.is_file() and each.read_bytes()[:2] == b"#!"]
    assert len(scripts) >= 6
    for script in scripts:
        text = script.read_text(encoding="utf-8")
        assert not re.search(r"^\s*(source|\.)\s", text, re.MULTILINE), script


def test_a_key_for_sentry_is_made_before_anything_is_set() -> None:
    command = ["bash", str(ROOT / "docker/sentry/sentry.sh"), "config", "generate-secret-key"]
    keys = {subprocess.run(command, env={}, capture_output=True, text=True, check=True).stdout for _ in range(3)}
    assert len(keys) == 3
    for key in keys:
        assert re.fullmatch(r"[a-z0-9!@%^&*(\-_=+)]{50}\n", key), key

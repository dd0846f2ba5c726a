"""The settings of a Daybook on this machine: those of the environment, completed by its data folder.

`daybook up` writes the settings of what it started to `<data>/instance.json`, so that a role run alone finds them.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from infrastructure.database.roles import create_role
from infrastructure.local.disk_space import DiskWatch
from infrastructure.local.programs import NoServer
from infrastructure.local.servers import LocalServers
from infrastructure.local.supervision import Supervisor
from infrastructure.settings import SAMPLE_MASTER_KEY, SAMPLE_SECRET_KEY, Settings

FILE = "instance.json"
MAILBOX = "mailbox"
"""The folder, within the data, that takes mail instead of a mail server."""


class NotRunning(Exception):
    """The environment names no database, and no `daybook up` runs in the data folder."""


def settings_of(data: Path) -> Settings:
    """The settings of the environment, else of what `daybook up` runs in the folder; raises NotRunning."""
    settings = Settings()
    if settings.database is not None:
        return settings if settings.mailbox else settings.model_copy(update={"mailbox": data / MAILBOX})
    running = settings_of_instance(data)
    if not running:
        host = f"{settings.database_prefix}_host".upper()
        raise NotRunning(f"{host} is not set, and nothing runs in {data}: start it with `daybook up --data {data}`.")
    return Settings(**running)


def settings_of_instance(data: Path) -> Mapping[str, Any]:
    """The settings that `daybook up` gives the roles of its data folder; empty while it does not run there."""
    try:
        found: dict[str, Any] = json.loads((data / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return found


def start_servers(data: Path, servers: ExitStack, public_url: str | None = None) -> Settings:
    """Start the servers that the environment does not name; the settings that lead to all of them.

    A server that ends is started again; all stop with the stack. With a superuser, makes the database and the
    application's role.
    `public_url`: the address of the API, used where PUBLIC_URL is not set.
    """
    settings = Settings()
    missing = settings.database is None, settings.redis_url is None, settings.broker_url is None
    postgres, valkey, broker = missing
    local = LocalServers(data, postgres_bin=settings.postgres_bin, postgres=postgres, valkey=valkey, broker=broker)
    if any(missing):
        local = servers.enter_context(local)
        logs = [local.home / name / "log" for name in ("postgres", "valkey", "broker")]
        servers.enter_context(DiskWatch(local.home, logs))
        supervisor = servers.enter_context(Supervisor())
        for server in local.running:
            supervisor.watch(server)
    values = _made_in(data, settings) | _leading_to(local, settings, data)
    if public_url is not None and "public_url" not in settings.model_fields_set:
        values["public_url"] = public_url
    complete = Settings(**values)
    _prepare(complete)
    file = data / FILE
    file.touch(mode=0o600)
    file.write_text(json.dumps(values), encoding="utf-8")
    servers.callback(file.unlink, missing_ok=True)
    return complete


def _made_in(data: Path, settings: Settings) -> dict[str, Any]:
    """The secrets and folders of an instance: as set, or kept in its data folder."""
    values = {
        "secret_key": _own(data / "secret_key", settings.secret_key.get_secret_value(), SAMPLE_SECRET_KEY),
        "master_key": _own(data / "master_key", settings.master_key.get_secret_value(), SAMPLE_MASTER_KEY),
        "mailbox": str(settings.mailbox or data / MAILBOX),
    }
    if settings.flower_basic_auth is None:
        values["flower_basic_auth"] = f"daybook:{kept(data / 'flower_password', 18)}"
    return values


def _leading_to(local: LocalServers, settings: Settings, data: Path) -> dict[str, Any]:
    """The settings that lead to the servers that were started."""
    values: dict[str, Any] = {}
    if settings.database is None:
        superuser, prefix = conninfo_to_dict(local.superuser_dsn()), settings.database_prefix
        values |= {
            f"{prefix}_host": superuser["host"],
            f"{prefix}_port": int(str(superuser["port"])),
            f"{prefix}_superuser": superuser["user"],
            f"{prefix}_superuser_pass": superuser["password"],
            f"{prefix}_pass": kept(data / "db_password"),
        }
    if settings.redis_url is None:
        values["redis_url"] = local.redis_url
    if settings.broker_url is None:
        values["broker_url"] = local.broker_url
    return values


def _own(file: Path, given: str, sample: str) -> str:
    """The key that is set, or one made here in place of the sample."""
    return kept(file) if given == sample else given


def kept(file: Path, size: int = 48) -> str:
    """A secret of `size` random bytes, made once and kept in a file of its own. Raises NoServer."""
    try:
        if not file.exists() or not file.read_text(encoding="utf-8"):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch(mode=0o600)
            file.write_text(secrets.token_urlsafe(size), encoding="utf-8")
        return file.read_text(encoding="utf-8")
    except OSError as refused:
        raise NoServer(f"Cannot use {file}: choose another folder with --data. ({refused})") from refused


def _prepare(settings: Settings) -> None:
    """Create the application's role and the database if they are missing and the settings name a superuser."""
    owner, application = settings.owner_database, settings.database
    assert owner is not None
    assert application is not None
    if getattr(settings, f"{settings.database_prefix}_superuser") is None:
        return
    postgres = replace(owner, name="postgres").dsn
    create_role(postgres, application.user, application.password)
    with psycopg.connect(postgres, autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [owner.name]).fetchone()
        if not found:
            made = sql.SQL("CREATE DATABASE {} ENCODING 'UTF8' TEMPLATE template0").format(sql.Identifier(owner.name))
            connection.execute(made)

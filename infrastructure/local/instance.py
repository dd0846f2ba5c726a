"""Where this Daybook lives: the servers and secrets of the environment, or those of a data folder.

`daybook up` writes what it started to `<data>/instance.json`, so that a role run alone finds it.
"""

from __future__ import annotations

import json
import secrets
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from infrastructure.database.roles import create_role
from infrastructure.local.programs import NoServer
from infrastructure.local.servers import LocalServers
from infrastructure.settings import SAMPLE_MASTER_KEY, SAMPLE_SECRET_KEY, Settings, inherited

FILE = "instance.json"
MAILBOX = "mailbox"
"""The folder, within the data, of mail that is not sent."""


class NotRunning(Exception):
    """Neither does the environment say where the database is, nor does anything run in the data folder."""


def settings_of(data: Path) -> Settings:
    """The settings of the environment, else of what `daybook up` runs in the folder; raises NotRunning."""
    settings = Settings()
    if settings.db_host is not None:
        return settings if settings.mailbox else settings.model_copy(update={"mailbox": data / MAILBOX})
    try:
        said: dict[str, Any] = json.loads((data / FILE).read_text())
    except FileNotFoundError:
        raise NotRunning(
            f"DB_HOST is not set, and nothing runs in {data}: start it with `daybook up --data {data}`."
        ) from None
    return Settings(**said)


def start_servers(data: Path, servers: ExitStack) -> Settings:
    """Start here what the environment does not name, and answer with the settings that lead to it all.

    The servers stop with the stack. Makes the database and the application's role where it may.
    """
    settings = Settings()
    local = LocalServers(
        data,
        postgres_bin=settings.postgres_bin,
        postgres=settings.db_host is None,
        valkey=settings.redis_url is None,
        broker=settings.broker_url is None,
    )
    if None in {settings.db_host, settings.redis_url, settings.broker_url}:
        local = servers.enter_context(local)
    values: dict[str, Any] = {
        "secret_key": _own(data / "secret_key", settings.secret_key.get_secret_value(), SAMPLE_SECRET_KEY),
        "master_key": _own(data / "master_key", settings.master_key.get_secret_value(), SAMPLE_MASTER_KEY),
        "mailbox": str(settings.mailbox or data / MAILBOX),
    }
    if settings.db_host is None:
        superuser = conninfo_to_dict(local.superuser_dsn())
        values |= {
            "db_host": superuser["host"],
            "db_port": int(str(superuser["port"])),
            "db_superuser": superuser["user"],
            "db_superuser_password": superuser["password"],
            "db_password": kept(data / "db_password"),
        }
    if settings.redis_url is None:
        values["redis_url"] = local.redis_url
    if settings.broker_url is None:
        values["broker_url"] = local.broker_url
    if settings.flower_basic_auth is None:
        values["flower_basic_auth"] = f"daybook:{kept(data / 'flower_password', 18)}"
    complete = Settings(**values)
    _prepare(complete)
    file = data / FILE
    file.touch(mode=0o600)
    file.write_text(json.dumps(values))
    servers.callback(file.unlink, missing_ok=True)
    return complete


def environment_of(settings: Settings) -> dict[str, str]:
    """The variables of a child process that shall find the same servers."""
    database, redis = settings.database, settings.redis_url
    assert database is not None
    assert redis is not None
    said = inherited() | {
        "DB_HOST": database.host,
        "DB_PORT": str(database.port),
        "DB_NAME": database.name,
        "DB_USER": database.user,
        "DB_PASSWORD": database.password,
        "REDIS_URL": redis.get_secret_value(),
        "BROKER_URL": settings.broker,
        "SECRET_KEY": settings.secret_key.get_secret_value(),
        "MASTER_KEY": settings.master_key.get_secret_value(),
    }
    if settings.flower_basic_auth is not None:
        said["FLOWER_BASIC_AUTH"] = settings.flower_basic_auth.get_secret_value()
    if settings.mailbox is not None:
        said["MAILBOX"] = str(settings.mailbox)
    if settings.db_superuser is not None:
        said["DB_SUPERUSER"] = settings.db_superuser
        said["DB_SUPERUSER_PASSWORD"] = settings.db_superuser_password.get_secret_value()
    return said


def _own(file: Path, given: str, sample: str) -> str:
    """The key that is set, or one made here in place of the sample."""
    return kept(file) if given == sample else given


def kept(file: Path, size: int = 48) -> str:
    """A secret of `size` random bytes that is made once and kept in a file of its own. Raises NoServer."""
    try:
        if not file.exists() or not file.read_text():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch(mode=0o600)
            file.write_text(secrets.token_urlsafe(size))
        return file.read_text()
    except OSError as refused:
        raise NoServer(f"{file} can't be used: choose another folder. ({refused})") from refused


def _prepare(settings: Settings) -> None:
    """With a superuser: the application's login role and the database, if they are not there."""
    owner, application = settings.owner_database, settings.database
    assert owner is not None
    assert application is not None
    if settings.db_superuser is None:
        return
    postgres = owner.dsn.rpartition("/")[0] + "/postgres"
    create_role(postgres, application.user, application.password)
    with psycopg.connect(postgres, autocommit=True) as connection:
        there = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [owner.name]).fetchone()
        if not there:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(owner.name)))

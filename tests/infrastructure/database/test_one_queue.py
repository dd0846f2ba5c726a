"""A database of release 0.1.0: its errands become jobs that say the same, and its claims end."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

import infrastructure
from domain.kernel import new_id
from infrastructure.database.roles import alchemy, migrate
from infrastructure.database.row_pool import RowPool
from infrastructure.event_log.postgres_journal import postgres_store
from infrastructure.jobs.job_queue import JobQueue
from infrastructure.jobs.payload import KEY
from projections.rebuild.generations import ensure
from tests.infrastructure.database.test_roles import empty
from tests.support.sealed import MASTERS

__all__ = ["empty"]

ERRANDS = {
    "register": {"email": "ada@example.org", "password": "hashed"},
    "reset": {"email": "bea@example.org"},
    "notice": {"account_id": str(uuid4()), "letter": "password-changed"},
}


def migrate_to(dsn: str, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(infrastructure.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    engine = create_engine(alchemy(dsn))
    with engine.connect() as connection:
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS log"))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        connection.commit()
    engine.dispose()


async def test_what_an_older_release_had_yet_to_do_is_done(empty: Callable[[], str]) -> None:
    dsn = empty()
    migrate_to(dsn, "0006")
    ids: dict[UUID, str] = {new_id(): kind for kind in ERRANDS}
    claimed = uuid4()
    store = postgres_store(dsn, MASTERS)
    await store.open()
    try:
        with psycopg.connect(dsn, autocommit=True) as connection:
            for id, kind in ids.items():
                said = await store.keyring.encrypt(KEY, ERRANDS[kind], id.bytes)
                connection.execute("INSERT INTO auth.errand (id, kind, said) VALUES (%s, %s, %s)", [id, kind, said])
            connection.execute(
                """INSERT INTO work.job (key, kind, subject, slot, planned_at, due_at, lease)
                VALUES (%s, 'complete', %s, 'complete', now(), now() + interval '30 seconds', gen_random_uuid())""",
                [claimed, uuid4()],
            )
        migrate(dsn, None)
        engine = create_engine(alchemy(dsn))
        with engine.begin() as made:
            ensure(made)
        engine.dispose()
        async with RowPool(dsn) as rows:
            queue = JobQueue(rows, store.keyring)
            held = (await queue.claim(["register", "reset_password", "account_notice"], 10)).held
            found = {each.key: (each.job.kind, dict((await queue.open(each)).said)) for each in held}
            now_kinds = {"register": "register", "reset": "reset_password", "notice": "account_notice"}
            assert found == {id: (now_kinds[kind], ERRANDS[kind]) for id, kind in ids.items()}
            assert await queue.due(["complete"], 10) == {"complete": 1}, "a claim of the older release has ended"
    finally:
        await store.close()
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT to_regclass('auth.errand')").fetchone() == (None,)

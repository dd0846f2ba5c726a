"""What a superuser does to command keys, to the security log, and to what stands between tables and verifier."""

from collections.abc import AsyncIterator, Callable
from uuid import UUID

import psycopg
import pytest
from psycopg import AsyncConnection

from domain.kernel import new_id
from infrastructure.database.roles import migrate
from infrastructure.database.row_pool import RowPool
from infrastructure.event_log.postgres_journal import APPLICATION_NAME
from infrastructure.identity.security_log import SecurityLog
from infrastructure.ledger.catalog import COVERED, GATES, functions
from infrastructure.ledger.reader import connected
from infrastructure.ledger.verification import LedgerHeads, VerificationResult, head_of, heads_of, verify
from tests.conftest import Database
from tests.infrastructure.database.test_one_queue import migrate_to
from tests.infrastructure.database.test_roles import empty
from tests.infrastructure.event_log.entries import entry
from tests.infrastructure.event_log.test_append import ask, call
from tests.infrastructure.ledger.test_verification import reseal, tamper, write
from tests.support.waiting import PATIENCE

__all__ = ["empty"]

TABLES = (*COVERED, *GATES)
ACCOUNT = UUID(int=1)


@pytest.fixture
async def ledger(database: Database) -> Database:
    """Nine events under five seals, and keys without events; three calls of the security log, of one to three rows."""
    write(database)
    call(database.application, entry(rows=[], reads={new_id(): 0}))
    call(database.application, entry(new_id()), entry(rows=[], reads={new_id(): 0}))
    call(database.application, entry(rows=[], reads={new_id(): 0}))
    async with RowPool(database.application, patience=PATIENCE) as pool:
        security = SecurityLog(pool, b"key")
        await security.note("login", ACCOUNT, network="192.0.2.1", session="é")
        for kinds in (("login", "logout"), ("token_refused", "denied", "login")):
            rows = "SELECT auth.record_security(%s, %s, %s, %s::jsonb[])"
            await pool.all(rows, [list(kinds), [None] * len(kinds), [None] * len(kinds), ["{}"] * len(kinds)])
    return database


@pytest.fixture
async def auditor(ledger: Database) -> AsyncIterator[AsyncConnection]:
    async with connected(ledger.application, 5) as connection:
        yield connection


async def broken(ledger: Database) -> str:
    async with connected(ledger.application, 5) as connection:
        return (await verify(connection)).broken or ""


async def test_what_nobody_touched_holds(ledger: Database, auditor: AsyncConnection) -> None:
    verified = await verify(auditor)
    assert verified == VerificationResult(1, 10, 6)
    assert (verified.keys, verified.security) == (8, 6)


def test_the_functions_of_the_ledger_are_those_of_the_migrations(database: Database) -> None:
    there = ask(database.owner, "SELECT DISTINCT pronamespace::regnamespace || '.' || proname FROM pg_proc "
                "WHERE pronamespace::regnamespace::text IN ('log', 'auth', 'audit') ORDER BY 1")  # fmt: skip
    assert sorted(functions()) == [name for (name,) in there]


FORGED = "INSERT INTO log.command_key SELECT sha256(key), '', stream, 1, 1"
SEAL_10 = "seal 10-10: "
CHANGED = SEAL_10 + "a command key was changed"
MISSING = SEAL_10 + "a command key is missing, or was added"
KEYS = [
    *(
        (f"UPDATE log.command_key SET {column} = {value} WHERE number = 7", CHANGED)
        for column, value in {
            "key": "sha256(key)",
            "fingerprint": "sha256(key)",
            "stream": "gen_random_uuid()",
            "version": "version + 1",
            "position": "position - 1",
            "at": "at + interval '1 microsecond'",
        }.items()
    ),
    ("DELETE FROM log.command_key WHERE number = 6", MISSING),
    ("DELETE FROM log.command_key WHERE number IN (6, 7, 8)", MISSING),
    ("DELETE FROM log.command_key WHERE number < 7", "seal 1-2: a command key is missing, or was added"),
    ("DELETE FROM log.command_key WHERE number < 9", "seal 1-2: a command key is missing, or was added"),
    ("TRUNCATE log.command_key", "seal 1-2: a command key is missing, or was added"),
    (
        "UPDATE log.command_key SET key = sha256(key) WHERE number = 1",
        "seal 1-2: a command key was changed",
    ),
    (
        f"{FORGED}, at FROM log.command_key WHERE number = 7",
        "command key ",
    ),
    (
        f"{FORGED}, at, 0 FROM log.command_key WHERE number = 7",
        "command key ",
    ),
    (
        f"{FORGED}, at, 99 FROM log.command_key WHERE number = 7",
        "command key 10: it is missing, or one was added",
    ),
    ("UPDATE log.seal SET keys = sha256(keys) WHERE upto = 10", SEAL_10 + "its hash does not hold"),
    ("UPDATE log.seal SET keys_upto = 7 WHERE upto = 10", SEAL_10 + "its hash does not hold"),
    (
        "UPDATE log.seal SET version = 1, keys_upto = NULL, keys = NULL WHERE upto = 10",
        SEAL_10 + "its version is below that of the seal before",
    ),
    ("UPDATE log.seal SET version = 3 WHERE upto = 10", SEAL_10 + "this release does not know its version"),
]

PLANTED = """
    INSERT INTO auth.security_log OVERRIDING SYSTEM VALUE SELECT {id}, at, kind, account_id, network, facts,
        auth.security_digest({id}, at, kind, account_id, network, facts) FROM auth.security_log WHERE id = 2"""
ROW_2 = "security log 2: its digest does not hold"
SEAL_2 = "security seal 2-3: its hash does not hold: a row was changed, added or removed"
SECURITY = [
    *(
        (f"UPDATE auth.security_log SET {change} WHERE id = 2", ROW_2)
        for change in (
            "kind = 'logout'",
            f"account_id = '{ACCOUNT}'",
            "network = ''",
            """facts = '{"session": "s"}'""",
            "at = at + interval '1 microsecond'",
            "digest = sha256(digest)",
        )
    ),
    ("UPDATE auth.security_log SET account_id = NULL WHERE id = 1", "security log 1: its digest does not hold"),
    ("ALTER TABLE auth.security_log ALTER id DROP IDENTITY; UPDATE auth.security_log SET id = 7 WHERE id = 2", SEAL_2),
    ("DELETE FROM auth.security_log WHERE id = 2", SEAL_2),
    ("DELETE FROM auth.security_log WHERE id >= 2", SEAL_2),
    ("TRUNCATE auth.security_log", "security seal 1-1: its hash does not hold: a row was changed, added or removed"),
    (
        PLANTED.format(id=0),
        "security seal 1-1: its hash does not hold: a row was changed, added or removed",
    ),
    (
        PLANTED.format(id=7),
        "security log 7: it is under no seal",
    ),
    ("DELETE FROM auth.security_seal WHERE upto = 3", "security seal 4-6: it does not follow position 1"),
    ("DELETE FROM auth.security_seal WHERE upto = 6", "security log 4: it is under no seal"),
    ("TRUNCATE auth.security_seal", "security log 1: it is under no seal"),
    ("UPDATE auth.security_seal SET at = now() WHERE upto = 3", SEAL_2),
    ("UPDATE auth.security_seal SET hash = sha256(hash) WHERE upto = 3", SEAL_2),
]


@pytest.mark.parametrize(("statement", "named"), [*KEYS, *SECURITY])
async def test_what_is_done_to_keys_and_to_the_security_log_is_named(
    ledger: Database, statement: str, named: str
) -> None:
    session = "SET session_replication_role = replica"  # no trigger hinders a superuser
    tamper(ledger, session, statement)
    assert (await broken(ledger)).startswith(named)


OTHERS = """
    CREATE FUNCTION public.another() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$"""
SHAPES = {
    "is no ordinary table": (
        "ALTER TABLE {table} RENAME TO the_real_one; CREATE VIEW {table} AS SELECT * FROM {schema}.the_real_one; "
        "GRANT SELECT ON {table} TO daybook_app"
    ),
    "is no ordinary table, for it is not logged": "ALTER TABLE {table} SET UNLOGGED",
    "row-level security is on": (
        "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY; CREATE POLICY hide ON {table} "
        "USING (current_setting('application_name') LIKE 'daybook-%')"
    ),
    "it has a policy, hide": (
        "CREATE POLICY hide ON {table} USING (current_setting('application_name') LIKE 'daybook-%')"
    ),
    "it has a rule, swallow": "CREATE RULE swallow AS ON INSERT TO {table} DO INSTEAD NOTHING",
    "it has a trigger, swallow": (
        OTHERS + "; CREATE TRIGGER swallow BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION public.another()"
    ),
    "it inherits, or is inherited from": "CREATE TABLE public.more () INHERITS ({table})",
    "its owner is not that of schema log": "ALTER TABLE {table} OWNER TO daybook_app",
    "another role may change it": "GRANT DELETE ON {table} TO daybook_app",
    "another role may change it, anybody": "GRANT TRUNCATE ON {table} TO PUBLIC",
    "relation": "DROP TABLE {table} CASCADE",
}


POLICY = "it has a policy, hide"
DONE_TO = [
    *((fault, TABLES[n % len(TABLES)]) for n, fault in enumerate(SHAPES)),  # one query looks at all tables alike
    *((POLICY, table) for table in TABLES),
]


@pytest.mark.parametrize(("fault", "table"), DONE_TO)
async def test_a_table_that_may_show_or_take_something_else_is_named(ledger: Database, fault: str, table: str) -> None:
    tamper(ledger, SHAPES[fault].format(table=table, schema=table.partition(".")[0]))
    found = await broken(ledger)
    assert fault.partition(",")[0] in found
    assert table in found


APPEND = "(SELECT oid::regprocedure FROM pg_proc WHERE oid = 'log.append'::regproc)"
FUNCTIONS = [
    (
        """CREATE OR REPLACE FUNCTION log.prune_keys(age interval) RETURNS bigint LANGUAGE sql SECURITY DEFINER
           SET search_path = pg_catalog, pg_temp AS $$ SELECT 0::bigint $$""",
        "function log.prune_keys: it is not as this release made it",
    ),
    ("ALTER FUNCTION log.append SECURITY INVOKER", "function log.append: it is not as this release made it"),
    ("ALTER FUNCTION log.append SET search_path = public", "function log.append: it is not as this release made it"),
    ("ALTER FUNCTION log.append RESET ALL", "function log.append: it is not as this release made it"),
    ("ALTER FUNCTION log.append OWNER TO daybook_app", "function log.append: its owner or its privileges"),
    ("GRANT EXECUTE ON FUNCTION log.append TO PUBLIC", "function log.append: its owner or its privileges"),
    (
        "CREATE FUNCTION log.append(a int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "function log.append: ",
    ),
    (
        "CREATE FUNCTION auth.another() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "function auth.another: this release has none of that name, or one only",
    ),
    ("DROP FUNCTION auth.security_digest", "function auth.security_digest: it is missing"),
    (
        "ALTER TABLE auth.security_log DISABLE TRIGGER record_plain_row",
        "table auth.security_log: it has a trigger, record_plain_row",
    ),
    ("ALTER TABLE log.seal DROP COLUMN keys", 'tables: column "keys" does not exist'),
    ("GRANT UPDATE (hash) ON log.seal TO daybook_app", "table log.seal: another role may change its column hash"),
    ("GRANT INSERT ON auth.security_log TO daybook_app", "table auth.security_log: another role may change it"),
]


@pytest.mark.parametrize(("statement", "named"), FUNCTIONS)
async def test_a_function_or_a_privilege_that_was_changed_is_named(
    ledger: Database, statement: str, named: str
) -> None:
    tamper(ledger, statement)
    assert (await broken(ledger)).startswith(named)


async def test_operators_that_were_planted_on_the_way_are_not_used(ledger: Database) -> None:
    tamper(
        ledger,
        "CREATE SCHEMA evil",
        *(
            f"CREATE FUNCTION evil.no(bigint, {kind}) RETURNS boolean LANGUAGE sql AS 'SELECT false'; "
            f"CREATE OPERATOR evil.> (LEFTARG = bigint, RIGHTARG = {kind}, FUNCTION = evil.no)"
            for kind in ("bigint", "integer", "smallint")
        ),
        "GRANT USAGE ON SCHEMA evil TO PUBLIC",
        f"ALTER ROLE daybook_test IN DATABASE {ledger.name} SET search_path = evil, pg_catalog",
    )
    async with connected(ledger.application, 5) as connection:
        assert await verify(connection) == VerificationResult(1, 10, 6)


async def test_the_verifier_looks_like_the_application(ledger: Database, auditor: AsyncConnection) -> None:
    shown = await (await auditor.execute("SHOW application_name")).fetchone()
    assert shown == (APPLICATION_NAME,)


def age(ledger: Database) -> None:
    """All that is under a seal, as if it had been appended two days ago."""
    tamper(
        ledger,
        "UPDATE log.stored_events SET recorded_at = recorded_at - interval '2 days'",
        "UPDATE log.command_key SET at = at - interval '2 days'",
        """UPDATE log.seal s SET at = at - interval '2 days', keys = (
            SELECT sha256(string_agg(
                record_send(ROW (key, fingerprint, stream, version, position, at)), '' ORDER BY number))
            FROM log.command_key WHERE number <= s.keys_upto AND number > coalesce(
                (SELECT max(keys_upto) FROM log.seal b WHERE b.upto < s.upto), 0))""",
    )
    reseal(ledger)


async def test_keys_that_were_pruned_are_not_missed_and_younger_ones_are(
    ledger: Database, auditor: AsyncConnection
) -> None:
    age(ledger)
    assert (await verify(auditor)).keys == 8
    call(ledger.application, entry(new_id()))  # seals the key without events, too
    assert ask(ledger.application, "SELECT log.prune_keys('0')") == [(8,)]
    verified = await verify(auditor)
    assert verified == VerificationResult(1, 11, 7)
    assert verified.keys == 2
    assert await verify(auditor, 11, 11) == VerificationResult(11, 11, 1)
    tamper(ledger, "DELETE FROM log.command_key")
    assert (await verify(auditor)).broken == "seal 11-11: a command key is missing, or was added"


class TestAgainstACheckpoint:
    async def test_a_security_log_rewritten_with_all_digests_and_seals_is_found(
        self, ledger: Database, auditor: AsyncConnection
    ) -> None:
        heads = await heads_of(auditor)
        tamper(
            ledger,
            "SET session_replication_role = replica",
            "TRUNCATE auth.security_log, auth.security_seal",
            *("SELECT auth.record_security('{login}', '{NULL}', '{NULL}', '{\"{}\"}')" for _ in range(7)),
        )
        assert (await verify(auditor)).holds
        found = await verify(auditor, checkpoint=heads)
        assert found.broken == "checkpoint: the security log up to position 6 is not what was signed"

    async def test_a_security_log_that_was_cut_off_is_found(self, ledger: Database, auditor: AsyncConnection) -> None:
        heads = await heads_of(auditor)
        tamper(
            ledger,
            "DELETE FROM auth.security_log WHERE id > 3",
            "DELETE FROM auth.security_seal WHERE upto > 3",
        )
        assert (await verify(auditor)).holds
        found = await verify(auditor, checkpoint=heads)
        assert found.broken == "checkpoint: the security log has no seal at position 6"


OLD_CALL = f"SELECT * FROM log.append({', '.join(['%b'] * 17)})"
OLD_ROW = "INSERT INTO auth.security_log (kind, account_id, network, facts) VALUES (%s, %s, %s, %s)"


async def test_a_ledger_of_release_0_1_0_verifies_by_its_own_rule_and_goes_on(empty: Callable[[], str]) -> None:
    from infrastructure.event_log.append_call import arguments

    dsn = empty()
    migrate_to(dsn, "0006")
    with psycopg.connect(dsn, autocommit=True) as old:
        for _ in range(3):
            old.execute(OLD_CALL, arguments([entry(new_id(), new_id()), entry(new_id())]), binary=True)
        for n in range(4):
            old.execute(OLD_ROW, [f"login-{n}", ACCOUNT if n % 2 else None, None, '{"n": 1.50}'])
        old.execute("DELETE FROM auth.security_log WHERE id = 2")  # ids had gaps
        async with await AsyncConnection.connect(dsn, autocommit=True) as connection:
            signed = LedgerHeads(await head_of(connection))
        migrate(dsn)
        old.execute(OLD_CALL, arguments([entry(new_id())]), binary=True)  # a process that was not stopped
        old.execute(OLD_ROW, ["login-5", ACCOUNT, b"network", '{"n": 1.50}'])
        call(dsn, entry(new_id()))
    async with await AsyncConnection.connect(dsn, autocommit=True) as connection:
        verified = await verify(connection, checkpoint=signed)
        assert verified == VerificationResult(1, 11, 5)
        assert (verified.keys, verified.security) == (2, 4)
    assert ask(dsn, "SELECT array_agg(version ORDER BY upto) FROM log.seal") == [([1, 1, 1, 2, 2],)]
    assert ask(dsn, "SELECT since, upto FROM auth.security_seal ORDER BY 1") == [(1, 4), (5, 5)]
    tamper(dsn_of(dsn), "UPDATE log.stored_events SET topic = 'Tag.Forged' WHERE notification_id = 2")
    async with await AsyncConnection.connect(dsn, autocommit=True) as connection:
        assert (await verify(connection)).broken == "event 2: its digest does not hold"


def dsn_of(dsn: str) -> Database:
    return Database("", dsn, dsn)

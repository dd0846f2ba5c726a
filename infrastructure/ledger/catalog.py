"""The catalog of the ledger's tables: nothing between them and the verifier shows, or writes, something else."""

from __future__ import annotations

import re
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from psycopg import AsyncConnection

import infrastructure
from infrastructure.ledger.chain import Broken

COVERED = (
    "log.stored_events",
    "log.seal",
    "log.command_key",
    "auth.security_log",
    "auth.security_seal",
    "audit.view",
    "audit.view_seal",
)
"""The tables whose rows a verification covers."""
NOT_COVERED = "keyring.person (keys, which erasure deletes), and all other tables"
GATES = ("log.gate", "auth.security_gate", "audit.view_gate")

_SETTINGS = ("SET LOCAL row_security = off", "SET LOCAL search_path = pg_catalog")
_FAULTS = """
    WITH ours AS (
        SELECT t.name, c.* FROM unnest(%(tables)s::text[]) WITH ORDINALITY t (name, n)
        LEFT JOIN pg_class c ON c.oid = to_regclass(t.name) ORDER BY t.n
    ), owner AS (
        SELECT nspowner AS oid FROM pg_namespace WHERE nspname = 'log'
    ), faults (name, fault) AS (
        SELECT name, 'it is missing' FROM ours WHERE oid IS NULL
        UNION ALL SELECT name, 'it is no ordinary table' FROM ours WHERE relkind <> 'r' OR relpersistence <> 'p'
        UNION ALL SELECT name, 'row-level security is on' FROM ours WHERE relrowsecurity OR relforcerowsecurity
        UNION ALL SELECT name, 'it has a policy, ' || polname FROM ours JOIN pg_policy p ON p.polrelid = ours.oid
        UNION ALL SELECT name, 'it has a rule, ' || rulename FROM ours JOIN pg_rewrite r ON r.ev_class = ours.oid
        UNION ALL SELECT name, 'it inherits, or is inherited from' FROM ours
            JOIN pg_inherits i ON ours.oid IN (i.inhrelid, i.inhparent)
        UNION ALL SELECT name, 'its owner is not that of schema log' FROM ours, owner WHERE relowner <> owner.oid
        UNION ALL SELECT name, 'another role may change it' FROM ours, aclexplode(relacl) a
            WHERE a.grantee <> relowner AND a.privilege_type <> 'SELECT'
        UNION ALL SELECT name, 'another role may change its column ' || attname FROM ours
            JOIN pg_attribute ON attrelid = ours.oid, aclexplode(attacl) a
            WHERE a.grantee <> relowner AND a.privilege_type <> 'SELECT' AND NOT (
                name = 'auth.security_log' AND a.privilege_type = 'INSERT'
                AND attname IN ('kind', 'account_id', 'network', 'facts'))
        UNION ALL SELECT name, 'it has a trigger, ' || tgname FROM ours JOIN pg_trigger t ON t.tgrelid = ours.oid
            WHERE NOT tgisinternal AND NOT (name = 'auth.security_log' AND tgname = 'record_plain_row'
                AND tgenabled = 'O' AND tgtype = 7 AND tgfoid = to_regproc('auth.record_plain_row')
                AND pg_get_triggerdef(t.oid) LIKE '%% WHEN ((new.digest IS NULL)) %%')
    ) SELECT name, fault FROM faults"""
_FUNCTIONS = """
    SELECT n.nspname || '.' || p.proname, convert_to(p.prosrc, 'UTF8'), p.prosecdef, l.lanname, p.proowner = o.nspowner,
           coalesce(p.proconfig, '{}'), EXISTS (
               SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee = 0)
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang,
         pg_namespace o
    WHERE n.nspname IN ('log', 'auth', 'audit') AND o.nspname = 'log' ORDER BY 1"""

_DEFINED = re.compile(
    r"""(?P<drop>DROP[ ]FUNCTION) [ ] (?P<dropped>\w+\.\w+)
    | ALTER[ ]FUNCTION [ ] (?P<altered>\w+\.\w+) [ ] SET [ ] (?P<setting>\w+) [ ] = [ ] (?P<value>\w+)
    | CREATE [ ] (?:OR[ ]REPLACE[ ])? FUNCTION [ ] (?P<name>(?:log|auth|audit)\.\w+)
      (?P<head>[^$]*) \$\$ (?P<body>.*?) \$\$""",
    re.VERBOSE | re.DOTALL,
)
_SET = re.compile(r"\bSET (\w+) = (.+?)(?= SET | AS )")


class LedgerFunction(NamedTuple):
    """What decides what a function does. `source`: the hash of its text."""

    source: bytes
    definer: bool
    language: str
    settings: tuple[str, ...]


@cache
def functions() -> dict[str, LedgerFunction]:
    """The functions of the ledger's schemas, as the migrations of this release leave them."""
    found: dict[str, LedgerFunction] = {}
    folder = Path(infrastructure.__file__).parent / "migrations" / "versions"
    for file in sorted(folder.glob("*.sql")):
        for match in _DEFINED.finditer(file.read_text(encoding="utf-8")):
            if match["drop"]:
                found.pop(match["dropped"], None)
            elif match["altered"]:
                known, more = found[match["altered"]], f"{match['setting']}={match['value']}"
                found[match["altered"]] = known._replace(settings=(*known.settings, more))
            else:
                found[match["name"]] = _function(match["head"], match["body"])
    return found


def _function(head: str, body: str) -> LedgerFunction:
    language = re.search(r"\bLANGUAGE (\w+)", head)
    assert language is not None
    settings = tuple(f"{name}={value}" for name, value in _SET.findall(head))
    return LedgerFunction(sha256(body.encode()).digest(), "SECURITY DEFINER" in head, language[1], settings)


async def check_catalog(connection: AsyncConnection) -> None:
    """Lock the tables as they are, for the rest of the caller's transaction. Raises Broken for the first fault."""
    for setting in _SETTINGS:  # no query may come before the locks: it would take the snapshot
        await connection.execute(setting)
    tables = [*COVERED, *GATES]
    for name in tables:
        await connection.execute(f"LOCK TABLE {name} IN ACCESS SHARE MODE".encode())
    rows = await (await connection.execute(_FAULTS.encode(), {"tables": tables})).fetchall()
    for name, fault in rows:
        raise Broken(f"table {name}: {fault}")
    await _check_functions(connection)


async def _check_functions(connection: AsyncConnection) -> None:
    expected = dict(functions())
    rows = await (await connection.execute(_FUNCTIONS.encode())).fetchall()
    for name, source, definer, language, owned, settings, public in rows:
        ours = expected.pop(name, None)
        if ours is None:
            raise Broken(f"function {name}: this release has none of that name, or one only")
        if ours != LedgerFunction(sha256(source).digest(), definer, language, tuple(settings)):
            raise Broken(f"function {name}: it is not as this release made it")
        if not owned or public:
            raise Broken(f"function {name}: its owner or its privileges were changed")
    for name in expected:
        raise Broken(f"function {name}: it is missing")

"""The verification of the whole ledger in steps, each in a snapshot of its own, and how far it has come.

A step goes on from the last seal that the step before it has recomputed. A change of what was verified before is found
by the next verification.
"""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

import psycopg
from psycopg import AsyncConnection

from application.ledger import LedgerVerification, VerificationState
from infrastructure.database.row_pool import RowPool, rows
from infrastructure.ledger.catalog import check_catalog
from infrastructure.ledger.chain import Broken, ChainPass, ChainStart, check_unsealed
from infrastructure.ledger.nightly import PATIENCE, report
from infrastructure.ledger.reader import connected
from infrastructure.ledger.row_chain import RowPass
from infrastructure.ledger.row_logs import SECURITY_LOG, VIEWS_LOG
from infrastructure.ledger.rows import opened
from infrastructure.ledger.verification import END, NO_KEYS, nothing_outside

STEP = 100_000
"""Entries of a step: other jobs get their turns between two. 20,000 small events took a tenth of a second."""
LOG, DONE = "log", "done"
_ROW_LOGS = {"security": (SECURITY_LOG, "views"), "views": (VIEWS_LOG, DONE)}
"""By part, after that of the log: the chain, and the next part."""

_GIVE_UP = """
    UPDATE work.verification v SET outcome = 'failed', finished_at = clock_timestamp()
    WHERE outcome IS NULL AND NOT EXISTS (
        SELECT FROM work.job j WHERE j.key = v.id AND j.done_at IS NULL AND j.dead_at IS NULL)"""
_BEGIN = """
    INSERT INTO work.verification (id, started_by, total) SELECT %s, %s, total FROM ({total}) AS t
    ON CONFLICT DO NOTHING RETURNING 1"""
_TOTAL = """
    SELECT coalesce((SELECT max(upto) FROM log.seal), 0) + coalesce((SELECT max(upto) FROM auth.security_seal), 0)
        + coalesce((SELECT max(upto) FROM audit.view_seal), 0) AS total"""
_LAST = """
    SELECT v.id, v.started_by, v.started_at, v.finished_at,
        coalesce(v.outcome, CASE WHEN j.done_at IS NULL AND j.dead_at IS NULL AND j.key IS NOT NULL THEN 'running'
            ELSE 'failed' END),
        v.checked, greatest(v.total, v.checked), v.broken, CASE WHEN v.outcome IS NULL THEN j.error END
    FROM work.verification v LEFT JOIN work.job j ON j.key = v.id ORDER BY v.started_at DESC LIMIT 1"""
_WHERE = "SELECT part, position, hash, outcome FROM work.verification WHERE id = %s"
_ADVANCE = f"""
    UPDATE work.verification SET part = %s, position = %s, hash = %s, checked = checked + %s,
        total = (SELECT total FROM ({_TOTAL}) AS t)
    WHERE id = %s AND outcome IS NULL AND part = %s AND position = %s"""  # noqa: S608  all of it is written here
_FINISH = """
    UPDATE work.verification SET outcome = %s, broken = %s, checked = checked + %s, finished_at = clock_timestamp()
    WHERE id = %s AND outcome IS NULL"""
_SEAL = "SELECT hash, keys_upto FROM log.seal WHERE upto = %s"
# Keys are pruned from the first on, and those that are left have no gap.
_KEYS = "SELECT count(number), coalesce(max(number) - min(number) + 1, 0) FROM log.command_key"


class Stage(NamedTuple):
    """How far it has come: the last seal of a part that was recomputed. `rows`: entries of the last step."""

    part: str = LOG
    position: int = 0
    hash: bytes = b""
    rows: int = 0


class LedgerVerifications:
    """The table `work.verification`. `dsn`: of a role that may read the ledger; `most`: entries of a step."""

    def __init__(self, pool: RowPool, dsn: str, most: int = STEP) -> None:
        self._rows, self._dsn, self._most = pool, dsn, most

    async def begin(self, id: UUID, by: UUID) -> bool:
        await self._rows.all(_GIVE_UP)
        return bool(await self._rows.all(_BEGIN.format(total=_TOTAL), [id, by]))

    async def last(self) -> LedgerVerification | None:
        row = await self._rows.one(_LAST)
        if row is None:
            return None
        id, by, started_at, finished_at, state, *rest = row
        return LedgerVerification(id, by, started_at, finished_at, VerificationState(state), *rest)

    async def advance(self, id: UUID) -> str | None:
        row = await self._rows.one(_WHERE, [id])
        if row is None or row[3] is not None:
            return "dropped" if row is None else str(row[3])
        at = Stage(row[0], row[1], bytes(row[2]))
        broken = None
        async with connected(self._dsn, PATIENCE) as connection:
            try:
                reached = await next_stage(connection, at, self._most)
            except Broken as found:
                reached, broken = at._replace(part=DONE, rows=0), str(found)
        if reached.part != DONE:
            await self._rows.all(_ADVANCE, [*reached, id, at.part, at.position])
            return None
        return await self._finish(id, reached.rows, broken)

    async def _finish(self, id: UUID, last: int, broken: str | None) -> str:
        """Reported first: a fault may be told twice, and never not at all."""
        report(broken, verification=str(id))
        outcome = str(VerificationState.INTACT if broken is None else VerificationState.BROKEN)
        await self._rows.all(_FINISH, [outcome, broken, last, id])
        return outcome


async def next_stage(connection: AsyncConnection, at: Stage, most: int) -> Stage:
    """Verify the next entries, `most` of them or few more, in one snapshot. Raises Broken.

    The connection must not be in a transaction.
    """
    try:
        async with connection.transaction():
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            await check_catalog(connection)
            if at.part == LOG:
                return await _events(connection, at, most)
            log, following = _ROW_LOGS[at.part]
            passed = await log.advance(connection, RowPass(at.position, at.hash), most)
            if passed.whole:
                return Stage(following, rows=passed.rows)
            return Stage(at.part, passed.position, passed.hash, passed.rows)
    except (psycopg.ProgrammingError, psycopg.DataError) as refused:  # a table or a column is not what it was
        raise Broken(f"tables: {refused.diag.message_primary or refused}") from None


async def _events(connection: AsyncConnection, at: Stage, most: int) -> Stage:
    ((end, now),) = await rows(connection, END)
    run = ChainPass(await _start(connection, at), end, now, None)
    last = at.position + most
    async with opened(connection, run.since, run.keys_upto) as found:
        await run.through(found, last if last < end else None)
        if last < end:
            return Stage(LOG, run.position, run.hash, run.position - at.position)
        check_unsealed(await found.keys(NO_KEYS), run.keys_upto)
    ((keys, wanted),) = await rows(connection, _KEYS)
    if keys != wanted:
        raise Broken("command keys: one is missing, or was added")
    return Stage("security", rows=run.position - at.position)


async def _start(connection: AsyncConnection, at: Stage) -> ChainStart:
    if at.position == 0:
        await nothing_outside(connection)
        return ChainStart(0, b"", None)
    for seal, keys_upto in await rows(connection, _SEAL, [at.position]):
        if seal == at.hash:
            return ChainStart(at.position, at.hash, keys_upto)
    raise Broken(f"seal up to {at.position}: it was changed or removed during the verification")

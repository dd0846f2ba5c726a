"""An installation in which a business has lived for some months, and questions about it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from psycopg import AsyncConnection
from psycopg.rows import dict_row

from application.access import Caller, Role
from infrastructure.event_log.postgres_journal import PostgresJournal
from projections.analysis.metric import Dimension
from tests.conftest import Database
from tests.interfaces.http.conftest import lift_limits, opened
from tests.interfaces.http.town import Api
from tests.projections.analysis.life import Life
from tests.projections.conftest import recorded
from tests.support.builders import somebody
from tests.support.waiting import PATIENCE

SINCE, UNTIL = date(2030, 1, 1), date(2030, 12, 31)
PERIOD = f"from={SINCE}&to={UNTIL}"
ADMIN = somebody(Role.ADMIN)
STEPS = 400
Rows = Sequence[dict[str, Any]]


@dataclass
class Business:
    """An installation in which a business has lived for some months."""

    api: Api
    database: Database
    life: Life

    async def asked(self, path: str, by: Caller = ADMIN) -> dict[str, Any]:
        answer = await self.api.get(f"/v1/analytics/{path}", by)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def rows(self, metric: str, *by: Dimension, caller: Caller = ADMIN, more: str = "") -> Rows:
        """The rows of an answer, flat."""
        grouped = f"&group_by={','.join(by)}" if by else ""
        found = await self.asked(f"{metric}?{PERIOD}{grouped}{more}", caller)
        return [{**each["dimensions"], **each["measures"], "suppressed": each["suppressed"]} for each in found["rows"]]

    async def select(self, statement: str) -> Rows:
        connection = await AsyncConnection.connect(self.database.application, row_factory=dict_row)
        async with connection:
            return await (await connection.execute(statement.encode(), {"since": SINCE, "until": UNTIL})).fetchall()

    def owner(self, salon: int) -> Caller:
        (account,) = self.life.salons[salon].members
        return Caller(account, Role.PROVIDER)


@asynccontextmanager
async def lived(redis_url: str, database: Database, home: Path) -> AsyncIterator[Business]:
    journal = PostgresJournal(database.application, patience=PATIENCE)
    with pytest.MonkeyPatch.context() as patch:
        lift_limits(patch)
        async with opened(database, redis_url, home) as api:
            await journal.open()
            life = Life(1)
            for _ in range(STEPS):
                if pending := life.recorded():
                    await recorded(journal, *pending)
                life.step()
            await journal.close()
            await api.catch_up()
            yield Business(api, database, life)

"""Readiness looks at what would make answers wrong or fail."""

import psycopg
import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from infrastructure.observability.health_checks import DatabaseChecks, ReadModelsOutdated
from projections.registry import PROJECTIONS
from tests.conftest import Database


async def test_read_models_of_another_release_are_never_ready(database: Database) -> None:
    name = PROJECTIONS[0].name
    engine = create_async_engine(database.url)
    checks = DatabaseChecks(engine)
    try:
        assert await checks.read_models() == {"generation": 1}
        with psycopg.connect(database.owner) as connection:
            connection.execute(
                "UPDATE read.checkpoint SET fingerprint = 'of another release' WHERE reader = %s", [name]
            )
        with pytest.raises(ReadModelsOutdated, match="daybook migrate") as refused:
            await checks.read_models()
        assert refused.value.facts == {"projections": [name]}
    finally:
        await engine.dispose()

"""A reader that writes down what it is given, in a table that takes no event twice and keeps their order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

import psycopg
from sqlalchemy import BigInteger, Column, MetaData, Table, create_engine

from projections.engine.projection import Projection, RecordedEvent
from projections.engine.row_batch import RowBatch
from projections.engine.schema import SCHEMA, uuid
from projections.rebuild.generations import ensure
from projections.registry import PROJECTIONS
from tests.conftest import Database

heard = Table(
    "heard",
    MetaData(schema=SCHEMA),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    uuid("stream"),
    Column("version", BigInteger, nullable=False),
)

# Rows would put an event that comes again in the place of the first; and only the order of writing tells
# the order of reading.
_STRICT = """
ALTER TABLE read_1.heard ADD COLUMN nth bigserial;
GRANT USAGE ON SEQUENCE read_1.heard_nth_seq TO daybook_app;
CREATE FUNCTION read_1.refuse() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'position % is delivered twice', NEW.position; END $$;
CREATE TRIGGER once BEFORE UPDATE ON read_1.heard FOR EACH ROW EXECUTE FUNCTION read_1.refuse()
"""


class Event(NamedTuple):
    """Which event, and where."""

    position: int
    stream: UUID
    version: int


def project(event: RecordedEvent, rows: RowBatch) -> None:
    rows.put(heard, position=event.position, stream=event.stream, version=event.version)


ear = Projection("ear", (heard,), project, ())


@dataclass(frozen=True)
class Ear:
    """What it has heard, beside what there was to hear."""

    database: Database

    @classmethod
    def made(cls, database: Database) -> Ear:
        owner = create_engine(database.owner.replace("postgresql://", "postgresql+psycopg://", 1))
        with owner.begin() as connection:
            ensure(connection, [*PROJECTIONS, ear])
        owner.dispose()
        with psycopg.connect(database.owner) as strict:
            strict.execute(_STRICT)
        return cls(database)

    def heard(self) -> list[Event]:
        """In the order of delivery."""
        return self._events("SELECT position, stream, version FROM read_1.heard ORDER BY nth")

    def stored(self) -> list[Event]:
        """The log."""
        return self._events(
            "SELECT notification_id, originator_id, originator_version FROM log.stored_events ORDER BY notification_id"
        )

    def position(self) -> int:
        """How far it has heard; fails if it was stopped."""
        with psycopg.connect(self.database.owner) as connection:
            row = connection.execute("SELECT position, error FROM read.bookmark WHERE reader = 'ear'").fetchone()
        assert row is not None
        assert row[1] is None, row[1]
        return int(row[0])

    def head(self) -> int:
        """The log's last position."""
        with psycopg.connect(self.database.owner) as connection:
            row = connection.execute("SELECT coalesce(max(upto), 0) FROM log.seal").fetchone()
        assert row is not None
        return int(row[0])

    async def is_at_the_head(self) -> bool:
        return self.position() == self.head()

    def _events(self, query: str) -> list[Event]:
        with psycopg.connect(self.database.owner) as connection:
            return [Event(*row) for row in connection.execute(query.encode())]

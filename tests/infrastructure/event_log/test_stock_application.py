"""The log is the library's own: a stock application, pointed at the table, reads the whole history."""

from base64 import b64encode
from typing import Any
from uuid import UUID

from eventsourcing.application import Application
from psycopg.conninfo import conninfo_to_dict

import domain
from application.access import Role
from application.booking.appointment import CancelAppointment, cancel_appointment
from domain.personal_data import PersonalData
from infrastructure.event_log.event_store import EventStore
from tests.conftest import Database
from tests.infrastructure.conftest import Open
from tests.support.builders import a_booked_appointment, an_open_week, somebody
from tests.support.sealed import MASTERS

assert domain.__all__, "all topics are registered"


class Stock(Application[UUID]):
    """Its name makes the table's: stored_events."""

    name = "stored"


def stock(dsn: str) -> Stock:
    """As the library's manual says."""
    where = conninfo_to_dict(dsn)
    return Stock(
        env={
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": str(where["dbname"]),
            "POSTGRES_HOST": str(where["host"]),
            "POSTGRES_PORT": str(where["port"]),
            "POSTGRES_USER": str(where["user"]),
            "POSTGRES_PASSWORD": str(where["password"]),
            "POSTGRES_SCHEMA": "log",
            "CREATE_TABLE": "n",
        }
    )


async def test_it_reads_every_event_and_loads_every_aggregate(database: Database, open_store: Open) -> None:
    store = await open_store(database.application)
    week = await an_open_week(store)
    booked = [await a_booked_appointment(store, week, f"{hour:02}:00") for hour in range(9, 17)]
    last = CancelAppointment(by=somebody(Role.ADMIN), appointment_id=booked[0].id, reason="ill")
    await cancel_appointment(last, store)
    await assert_the_library_reads_everything(database.application, store)


async def assert_the_library_reads_everything(dsn: str, store: EventStore) -> None:
    """A stock application reads each event of the log at this address, and its aggregates equal those of Daybook."""
    with stock(dsn) as app:
        log = app.notification_log
        head = app.recorder.max_notification_id() or 0
        notifications = [each for start in range(1, head + 1, 10) for each in log.select(start=start, limit=10)]
        assert [notification.id for notification in notifications] == list(range(1, head + 1))
        for notification in notifications:
            app.mapper.to_domain_event(notification)
        streams = {UUID(str(notification.originator_id)) for notification in notifications}
        ours, _ = await EventStore(store.journal, MASTERS).fetch(list(streams))
        for stream in streams:
            theirs: Any = app.repository.get(stream)
            mine = ours[stream]
            assert type(theirs) is type(mine)
            assert theirs.__dict__ == {name: _as_stored(value) for name, value in mine.__dict__.items()}


def _as_stored(value: Any) -> Any:
    """What is personal is JSON to the library, and stays sealed."""
    if not isinstance(value, PersonalData):
        return value
    assert value.sealed is not None
    return {"personal": value.subject.hex, "sealed": b64encode(value.sealed).decode()}

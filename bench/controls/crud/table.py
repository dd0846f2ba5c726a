"""Appointments in one table that lets no two of a provider overlap."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import Column, DateTime, Index, Integer, MetaData, Table, Text, Uuid, create_engine, text
from sqlalchemy.dialects.postgresql import JSONB, TSTZRANGE, ExcludeConstraint

from infrastructure.database.roles import alchemy

metadata = MetaData()
service = Table(
    "service",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("duration", Integer, nullable=False),  # minutes
)
appointment = Table(
    "appointment",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("service_id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("during", TSTZRANGE, nullable=False),
    Column("note", Text, nullable=False),
    Column("answers", JSONB, nullable=False),
    Column("idempotency_key", Text, nullable=False),
    Column("cancelled_at", DateTime(timezone=True)),
    ExcludeConstraint(
        ("provider_id", "="), ("during", "&&"), name="no_double_booking", where=text("cancelled_at IS NULL")
    ),
    Index("appointment_key", "customer_id", "idempotency_key", unique=True),
)


def build(owner_dsn: str, durations: Mapping[UUID, int], role: str) -> None:
    """Make the tables and the services (id -> minutes), for the role to use."""
    engine = create_engine(alchemy(owner_dsn))
    with engine.begin() as connection:
        metadata.create_all(connection)
        rows = [{"id": id, "duration": minutes} for id, minutes in durations.items()]
        connection.execute(service.insert(), rows)
        connection.exec_driver_sql(f'GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO "{role}"')
    engine.dispose()

"""Everything a database needs before Daybook runs on it: the log's schema and the read models' generation."""

from sqlalchemy import create_engine

from infrastructure.database import alchemy, migrate
from infrastructure.settings import Settings
from projections.generation import ensure


def migrate_all(settings: Settings) -> None:
    """Bring the database of the settings up to date, as its owner. Safe to repeat, and from several processes."""
    database, owner = settings.database, settings.owner_database
    assert database is not None
    assert owner is not None
    migrate(owner.dsn, database.user)
    engine = create_engine(alchemy(owner.dsn))
    with engine.begin() as connection:
        ensure(connection)
    engine.dispose()

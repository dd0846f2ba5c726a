"""Everything a database needs before Daybook runs on it: the log's schema and the read models' generation."""

from sqlalchemy import create_engine

from infrastructure.database.roles import APPLICATION, alchemy, migrate
from infrastructure.settings import Settings
from projections.rebuild.generations import ensure


def migrate_all(settings: Settings) -> None:
    """Bring the database of the settings up to date, as its owner. Safe to repeat, and at once."""
    database, owner = settings.database, settings.owner_database
    assert database is not None
    assert owner is not None
    alone = owner.user == database.user  # the owner is the application: nobody needs to be let in
    migrate(owner.dsn, None if alone else database.user)
    engine = create_engine(alchemy(owner.dsn))
    with engine.begin() as connection:
        ensure(connection, role=database.user if alone else APPLICATION)
    engine.dispose()

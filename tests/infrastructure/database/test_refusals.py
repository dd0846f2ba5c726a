"""The versions of the schema that a release knows."""

from alembic.script import ScriptDirectory

from infrastructure.database.refusals import MIGRATIONS, schema_versions


def test_the_known_versions_are_those_of_the_migrations_in_their_order() -> None:
    scripts = ScriptDirectory(str(MIGRATIONS))
    assert [*schema_versions()] == [script.revision for script in scripts.walk_revisions()][::-1]

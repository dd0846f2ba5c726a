"""Views for analysts: what a view is, and the statements that create it over a generation."""

from collections.abc import Mapping
from dataclasses import dataclass

SCHEMA = "analysis"
SEEN = """((SELECT pg_has_role(session_user, '{role}', 'MEMBER') OR EXISTS (
    SELECT FROM read.analyst_seat WHERE login = session_user AND organization_id IS NULL))
    OR {organization} = ANY (ARRAY(SELECT organization_id FROM read.analyst_seat WHERE login = session_user)))"""
"""Whether who asks may see rows of an organization. The login decides: nobody can change it, as they can a setting."""


@dataclass(frozen=True)
class ViewColumn:
    """A column. `sql`: what it shows; `comment`: its meaning, its unit, and what null means."""

    sql: str
    comment: str


@dataclass(frozen=True)
class AnalysisView:
    """A view. `grain`: what one row is. `source`: the tables after FROM, with {facts} for their schema.

    `organization`: the expression that decides who sees a row; None: everybody. `where`: which rows there are.
    """

    name: str
    grain: str
    columns: Mapping[str, ViewColumn]
    source: str
    organization: str | None = "f.organization_id"
    where: str = "true"

    def statement(self, facts: str, role: str) -> str:
        """CREATE OR REPLACE VIEW: columns may be added to it later, never taken away."""
        shown = ",\n    ".join(f'{column.sql} AS "{name}"' for name, column in self.columns.items())
        seen = "true" if self.organization is None else SEEN.format(role=role, organization=self.organization)
        text = f"SELECT {shown}\nFROM {self.source}\nWHERE {self.where} AND {seen}"
        text = text.replace("{facts}", facts)
        return f'CREATE OR REPLACE VIEW {SCHEMA}."{self.name}" WITH (security_barrier) AS\n{text}'

    def comments(self) -> Mapping[str, str]:
        """What COMMENT ON names, and the text."""
        view = f'{SCHEMA}."{self.name}"'
        columns = {f'COLUMN {view}."{name}"': column.comment for name, column in self.columns.items()}
        return {f"VIEW {view}": self.grain, **columns}


def same(**comments: str) -> dict[str, ViewColumn]:
    """Columns of the fact by their names, with their comments."""
    return {name: ViewColumn(f"f.{name}", comment) for name, comment in comments.items()}


def real(demo: str) -> str:
    """The condition by which rows of the demo town show only while there are no others."""
    return f"(NOT {demo} OR NOT EXISTS (SELECT FROM {{facts}}.fact_appointment real WHERE NOT real.demo))"

"""The section of the views log: who opened whose card."""

from interfaces.admin.sections.section import CellKind, Column, Section

VIEWS = Section(
    name="views",
    listing="list_views",
    columns=(
        Column("at", CellKind.MOMENT),
        Column("viewer", CellKind.ACTOR),
        Column("role", CellKind.VALUE),
        Column("person", CellKind.REFERENCE, "customers"),
        Column("organizations", CellKind.REFERENCE, "organizations"),
        Column("operation"),
        Column("via"),
    ),
    narrowing=("person", "viewer"),
)

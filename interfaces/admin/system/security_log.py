"""The section of the security log."""

from interfaces.admin.sections.section import CellKind, Column, Input, Section

SECURITY_LOG = Section(
    name="security-log",
    listing="list_security_events",
    columns=(
        Column("at", CellKind.MOMENT),
        Column("kind", CellKind.VALUE),
        Column("account_id", CellKind.REFERENCE, "accounts"),
        Column("network"),
        Column("facts", CellKind.FACTS),
    ),
    filters=(Input("kind"),),
    narrowing=("account_id",),
)

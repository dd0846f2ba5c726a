"""The section of customers: guests, and accounts that book."""

from interfaces.admin.sections.ending import ENDING
from interfaces.admin.sections.section import CellKind, Column, Input, InputKind, PanelForm, Section

_ORGANIZATION = Column("organization_id", CellKind.REFERENCE, "organizations")
_DETAILS = (
    Input("name", required=True),
    Input("email", InputKind.EMAIL),
    Input("phone"),
    Input("timezone"),
    Input("note", InputKind.AREA),
    Input("external_id"),
)

CUSTOMERS = Section(
    name="customers",
    listing="list_customers",
    columns=(Column("name"), Column("email"), Column("phone"), _ORGANIZATION),
    filters=(Input("q"),),
    card="get_customer",
    facts=(
        Column("email"),
        Column("phone"),
        Column("timezone"),
        _ORGANIZATION,
        Column("note"),
        Column("external_id"),
        Column("metadata", CellKind.FACTS),
    ),
    create=PanelForm(operation="create_customer", inputs=(*_DETAILS, Input("organization_id"))),
    forms=(
        PanelForm(operation="change_customer", inputs=_DETAILS, edits=True),
        PanelForm(operation="delete_customer", inputs=ENDING, dangerous=True, ends=True),
        PanelForm(operation="erase_customer", dangerous=True, ends=True),
    ),
    listed_by=("appointments", "customer_id"),
)

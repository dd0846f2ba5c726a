"""The section of organizations, their members and their holidays."""

from interfaces.admin.catalog.managed import check_organization
from interfaces.admin.sections.ending import ENDING
from interfaces.admin.sections.section import CellKind, Column, Input, InputKind, PanelForm, Related, Section

_PROFILE = (
    Input("name", required=True),
    Input("timezone"),
    Input("bio", InputKind.AREA),
    Input("address"),
    Input("phone"),
    Input("email", InputKind.EMAIL),
    Input("currency"),
    Input("external_id"),
)

ORGANIZATIONS = Section(
    name="organizations",
    listing="list_organizations",
    columns=(Column("name"), Column("timezone"), Column("phone"), Column("email")),
    filters=(Input("q"),),
    own="member_id",
    card="get_organization",
    facts=(
        Column("timezone"),
        Column("address"),
        Column("phone"),
        Column("email"),
        Column("bio"),
        Column("currency"),
        Column("external_id"),
        Column("metadata", CellKind.FACTS),
    ),
    create=PanelForm(operation="create_organization", inputs=_PROFILE),
    forms=(
        PanelForm(operation="change_organization", inputs=_PROFILE, edits=True),
        PanelForm(
            operation="add_member",
            inputs=(
                Input("account_id", required=True),
                Input("rank", InputKind.CHOICE, ("staff", "manager", "owner"), first="staff"),
            ),
        ),
        PanelForm(operation="delete_organization", inputs=ENDING, dangerous=True, ends=True),
    ),
    related=(
        Related(
            "list_members",
            (Column("account_id", CellKind.REFERENCE, "accounts"), Column("rank", CellKind.VALUE)),
        ),
        Related("list_holidays", (Column("date", CellKind.DAY), Column("name"))),
    ),
    listed_by=("appointments", "organization_id"),
    check=check_organization,
)

"""The section of providers: who can be booked."""

from interfaces.admin.catalog.managed import check_provider
from interfaces.admin.sections.ending import ENDING
from interfaces.admin.sections.section import CardPage, CellKind, Column, Input, InputKind, PanelForm, Section

_ORGANIZATION = Column("organization_id", CellKind.REFERENCE, "organizations")
_STATUS = Column("status", CellKind.VALUE)
_PROFILE = (
    Input("name", required=True),
    Input("timezone", required=True),
    Input("organization_id"),
    Input("bio", InputKind.AREA),
    Input("address"),
    Input("phone"),
    Input("email", InputKind.EMAIL),
    Input("photo_url"),
    Input("tags", InputKind.WORDS),
    Input("external_id"),
)

PROVIDERS = Section(
    name="providers",
    listing="list_providers",
    columns=(Column("name"), _ORGANIZATION, Column("timezone"), Column("tags"), _STATUS),
    filters=(Input("q"),),
    given={"managed": "true"},
    narrowing=("organization_id",),
    card="get_provider",
    facts=(
        _STATUS,
        _ORGANIZATION,
        Column("owner_id", CellKind.REFERENCE, "accounts"),
        Column("timezone"),
        Column("address"),
        Column("phone"),
        Column("email"),
        Column("bio"),
        Column("tags"),
        Column("external_id"),
        Column("metadata", CellKind.FACTS),
    ),
    create=PanelForm(operation="create_provider", inputs=_PROFILE),
    forms=(
        PanelForm(operation="change_provider", inputs=_PROFILE, edits=True),
        PanelForm(operation="pause_provider"),
        PanelForm(operation="resume_provider"),
        PanelForm(operation="delete_provider", inputs=ENDING, dangerous=True),
    ),
    listed_by=("appointments", "provider_id"),
    pages=(CardPage("hours.title", "hours"),),
    check=check_provider,
)

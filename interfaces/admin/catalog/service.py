"""The section of services: what is booked, and on which terms."""

from interfaces.admin.catalog.managed import check_service
from interfaces.admin.sections.ending import ENDING
from interfaces.admin.sections.section import CellKind, Column, Input, InputKind, PanelForm, Section

_STATUS = Column("status", CellKind.VALUE)
_PROVIDERS = Column("provider_ids", CellKind.REFERENCE, "providers")
_PRICE = Column("price", CellKind.MONEY)
_DURATION = Column("duration", CellKind.MINUTES)
_NUMBERS = (
    "buffer_before",
    "buffer_after",
    "capacity",
    "min_notice",
    "cancel_notice",
    "reschedule_notice",
    "complete_after",
)
_TERMS = (
    Input("name", required=True),
    Input("duration", InputKind.NUMBER, required=True, first="30"),
    Input("price", InputKind.NUMBER, first="0"),
    Input("currency", first="EUR"),
    Input("description", InputKind.AREA),
    Input("category"),
    Input("tags", InputKind.WORDS),
    Input("place"),
    Input("meeting_url"),
    *(Input(name, InputKind.NUMBER) for name in _NUMBERS),
    Input("late_cancel", InputKind.CHOICE, ("refuse", "fee"), first="refuse"),
    Input("late_fee", InputKind.NUMBER),
    Input("approval", InputKind.CHECK),
    Input("reminders", InputKind.NUMBERS, first="1440, 120"),
)

SERVICES = Section(
    name="services",
    listing="list_services",
    columns=(Column("name"), _DURATION, _PRICE, _PROVIDERS, _STATUS),
    filters=(Input("q"),),
    given={"managed": "true"},
    narrowing=("provider_id", "organization_id"),
    card="get_service",
    facts=(
        _STATUS,
        _DURATION,
        _PRICE,
        _PROVIDERS,
        Column("organization_id", CellKind.REFERENCE, "organizations"),
        Column("description"),
        Column("category"),
        Column("tags"),
        Column("place"),
        Column("meeting_url"),
        *(Column(name, CellKind.TEXT if name == "capacity" else CellKind.MINUTES) for name in _NUMBERS),
        Column("late_cancel", CellKind.VALUE),
        Column("late_fee", CellKind.MONEY),
        Column("approval"),
        Column("reminders"),
    ),
    create=PanelForm(
        operation="create_service",
        inputs=(
            Input("provider_id"),
            Input("organization_id"),
            Input("provider_ids", InputKind.WORDS),
            *_TERMS,
        ),
    ),
    forms=(
        PanelForm(operation="change_service", inputs=_TERMS, edits=True),
        PanelForm(operation="pause_service"),
        PanelForm(operation="resume_service"),
        PanelForm(operation="delete_service", inputs=ENDING, dangerous=True),
    ),
    check=check_service,
)

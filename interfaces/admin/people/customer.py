"""The section of customers: guests, and accounts that book."""

from domain.booking.appointment_status import ENDED, AppointmentStatus
from domain.people.consent import LONGEST_TEXT
from interfaces.admin.people.attendance import attendance_of
from interfaces.admin.people.duplicates import duplicates_of
from interfaces.admin.sections.ending import ENDING
from interfaces.admin.sections.section import NOW, CellKind, Column, Input, InputKind, PanelForm, Related, Section

_ORGANIZATION = Column("organization_id", CellKind.REFERENCE, "organizations")
_DETAILS = (
    Input("name", required=True),
    Input("email", InputKind.EMAIL),
    Input("phone"),
    Input("timezone"),
    Input("note", InputKind.AREA),
    Input("external_id"),
)

_VISIT = (
    Column("start", CellKind.MOMENT, zone="timezone"),
    Column("service_id", CellKind.REFERENCE, "services"),
    Column("provider_id", CellKind.REFERENCE, "providers"),
    Column("status", CellKind.VALUE),
)
_AHEAD = ",".join(str(each) for each in AppointmentStatus if each not in ENDED)
_FEW = "5"
"""The appointments of each list on the card. The others are a click away."""

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
        Column("staff_note"),
        Column("no_shows"),
        Column("late_cancellations"),
        Column("external_id"),
        Column("metadata", CellKind.FACTS),
    ),
    more=attendance_of,
    create=PanelForm(operation="create_customer", inputs=(*_DETAILS, Input("organization_id"))),
    forms=(
        PanelForm(operation="change_customer", inputs=(*_DETAILS, Input("staff_note", InputKind.AREA)), edits=True),
        PanelForm(
            operation="give_consent",
            inputs=(
                Input("purpose", required=True),
                Input("text", InputKind.AREA, required=True, longest=LONGEST_TEXT),
                Input("given_at", InputKind.DAY),
            ),
        ),
        PanelForm(
            operation="merge_customer",
            inputs=(
                Input("into", InputKind.CHOICE, required=True, options=duplicates_of, nothing="nothing.duplicates"),
            ),
            dangerous=True,
            ends=True,
        ),
        PanelForm(operation="delete_customer", inputs=ENDING, dangerous=True, ends=True),
        PanelForm(operation="erase_customer", dangerous=True, ends=True),
    ),
    related=(
        Related(
            "list_appointments",
            _VISIT,
            parameter="customer_id",
            given={"from": NOW, "limit": _FEW, "status": _AHEAD},
            name="next_appointments",
            section="appointments",
        ),
        Related(
            "list_appointments",
            _VISIT,
            parameter="customer_id",
            given={"to": NOW, "sort": "-start", "limit": _FEW},
            name="past_appointments",
            section="appointments",
        ),
        Related(
            "list_consents",
            (
                Column("purpose"),
                Column("text"),
                Column("given_at", CellKind.MOMENT),
                Column("by", CellKind.ACTOR),
                Column("withdrawn_at", CellKind.MOMENT),
            ),
            form=PanelForm(
                operation="withdraw_consent",
                inputs=(Input("consent_id", InputKind.HIDDEN, in_path=True),),
                dangerous=True,
            ),
            while_null="withdrawn_at",
        ),
    ),
    listed_by=("appointments", "customer_id"),
)

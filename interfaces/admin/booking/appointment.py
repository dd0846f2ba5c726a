"""The section of appointments."""

from domain.booking.appointment_status import AppointmentStatus
from domain.booking.origin import OverridableRule, ReasonCode
from interfaces.admin.booking.timeline import timeline_of
from interfaces.admin.sections.section import CellKind, Column, Input, InputKind, PanelForm, Section

_CUSTOMER = Column("customer_id", CellKind.REFERENCE, "customers")
_SERVICE = Column("service_id", CellKind.REFERENCE, "services")
_PROVIDER = Column("provider_id", CellKind.REFERENCE, "providers")
_START = Column("start", CellKind.MOMENT, zone="timezone")
_STATUS = Column("status", CellKind.VALUE)
_REASON = (
    Input("reason_code", InputKind.CHOICE, ("", *(str(each) for each in ReasonCode))),
    Input("reason", InputKind.AREA),
)

APPOINTMENTS = Section(
    name="appointments",
    listing="list_appointments",
    columns=(_START, _CUSTOMER, _SERVICE, _PROVIDER, _STATUS),
    filters=(
        Input("from", InputKind.DAY),
        Input("to", InputKind.DAY),
        Input("status", InputKind.CHOICE, ("", *(str(each) for each in AppointmentStatus))),
        Input("orphaned", InputKind.CHECK),
    ),
    narrowing=("customer_id", "provider_id", "organization_id"),
    person=True,
    card="get_appointment",
    heading="customer_id",
    facts=(
        _START,
        Column("end", CellKind.MOMENT, zone="timezone"),
        _STATUS,
        _CUSTOMER,
        _SERVICE,
        _PROVIDER,
        Column("price", CellKind.MONEY),
        Column("note"),
        Column("answers", CellKind.FACTS),
        Column("orphaned.at", CellKind.MOMENT, zone="timezone"),
        Column("orphaned.choice", CellKind.VALUE),
        Column("expires_at", CellKind.MOMENT, zone="timezone"),
        Column("cancelled.reason_code", CellKind.VALUE),
        Column("cancelled.reason"),
        Column("declined.reason"),
        Column("created_at", CellKind.MOMENT, zone="timezone"),
    ),
    forms=(
        PanelForm(operation="confirm_appointment"),
        PanelForm(operation="decline_appointment", inputs=_REASON, dangerous=True),
        PanelForm(operation="keep_appointment"),
        PanelForm(operation="ask_to_rebook"),
        PanelForm(operation="check_in_appointment"),
        PanelForm(operation="complete_appointment"),
        PanelForm(operation="mark_no_show"),
        PanelForm(operation="undo_no_show"),
        PanelForm(
            operation="reschedule_appointment",
            inputs=(
                Input("start", InputKind.WALL_CLOCK, required=True),
                Input("override.rules", InputKind.CHOICE, ("", *(str(each) for each in OverridableRule))),
                Input("override.reason"),
            ),
        ),
        PanelForm(operation="change_appointment", inputs=(Input("note", InputKind.AREA),), edits=True),
        PanelForm(operation="cancel_appointment", inputs=_REASON, dangerous=True),
    ),
    timeline=timeline_of,
    history="get_appointment_history",
)

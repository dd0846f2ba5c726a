"""The section of the waitlist."""

from domain.booking.waitlist import WaitingStatus
from interfaces.admin.booking.free_starts import fitting_starts
from interfaces.admin.sections.section import CellKind, Column, Input, InputKind, PanelForm, Section

_FACTS = (
    Column("customer_id", CellKind.REFERENCE, "customers"),
    Column("service_id", CellKind.REFERENCE, "services"),
    Column("provider_id", CellKind.REFERENCE, "providers"),
    Column("dates.from", CellKind.DAY),
    Column("dates.to", CellKind.DAY),
    Column("status", CellKind.VALUE),
)

WAITLIST = Section(
    name="waitlist",
    listing="list_waitlist",
    columns=_FACTS,
    filters=(Input("status", InputKind.CHOICE, ("", *(str(each) for each in WaitingStatus))),),
    narrowing=("service_id", "provider_id"),
    card="get_waitlist_entry",
    heading="customer_id",
    facts=(
        *_FACTS,
        Column("offer.start", CellKind.MOMENT, zone="timezone"),
        Column("offer.expires_at", CellKind.MOMENT, zone="timezone"),
        Column("created_at", CellKind.MOMENT, zone="timezone"),
    ),
    forms=(
        PanelForm(operation="accept_offer"),
        PanelForm(
            operation="make_offer",
            inputs=(
                Input(
                    "start", InputKind.CHOICE, required=True, options=fitting_starts, nothing="nothing.fitting_starts"
                ),
            ),
        ),
        PanelForm(operation="leave_waitlist", dangerous=True),
    ),
)

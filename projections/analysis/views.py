"""The views of schema `analysis`: what an analyst sees of the facts."""

from projections.analysis.view import Column, View

_KEY = """CASE WHEN NOT EXISTS (SELECT FROM {facts}.fact_forgotten g WHERE g.customer_id = f.person_id) THEN
        encode(substr(sha256((SELECT secret FROM read.analysis_secret) || uuid_send(f.place_id)
            || uuid_send(f.person_id)), 1, 16), 'hex') END"""


def _real(demo: str) -> str:
    """Rows of the demo town show only while there are no others."""
    return f"(NOT {demo} OR NOT EXISTS (SELECT FROM {{facts}}.fact_appointment real WHERE NOT real.demo))"


def _same(**comments: str) -> dict[str, Column]:
    return {name: Column(f"f.{name}", comment) for name, comment in comments.items()}


def _minutes(later: str, earlier: str) -> str:
    return f"floor(extract(epoch FROM {later} - {earlier}) / 60)::integer"


APPOINTMENT = View(
    "appointment",
    "One row for each appointment that was booked or requested, as it stands now. A seat of a group session is an"
    " appointment. Moves change the row; while a move waits for an answer, the row shows the confirmed time.",
    {
        "appointment_id": Column("f.id", "The id, as in the API."),
        **_same(
            service_id="The service; see analysis.service.",
            provider_id="The provider who hosts it.",
            organization_id="The organization under whose record it stands; null: a provider without one.",
        ),
        "customer_key": Column(
            _KEY,
            "The same for the same person in one organization (or with one provider without one), and only there."
            " Null once the person was erased. A pseudonym: not anonymous.",
        ),
        **_same(
            status="requested, booked, checked_in, completed, no_show, cancelled, declined or expired.",
            channel="How it reached Daybook: api, staff, page, waitlist, series, import; null: not recorded.",
            demo="Whether it belongs to the demo town; such rows show only while there are no others.",
            requested="Whether it began as a request that staff had to answer.",
            timezone="The IANA time zone of the provider, in which `_date` and `_hour` are read.",
            made_at="When it was booked or requested (UTC).",
            made_date="The local date of made_at.",
            first_start_at="The start as first booked (UTC).",
            start_at="The start, after all moves (UTC).",
            end_at="The end (UTC).",
            start_date="The local date of the start: the period that most figures belong to.",
            start_hour="The local hour of the start, 0 to 23.",
        ),
        "minutes": Column(_minutes("f.end_at", "f.start_at"), "How long it lasts, buffers aside (minutes)."),
        **_same(
            price="What was agreed, in minor units of the currency.",
            currency="The ISO code of the price and the fee. Never add amounts of several currencies.",
            due="Whether it was to take place and was not released in time: late cancellations stay due.",
            visited="Whether the customer came: completed or checked in.",
            answered_at="When staff confirmed or declined the request (UTC); null: not a request, or no answer.",
            checked_in_at="When the customer was checked in (UTC); null: not recorded.",
            completed_at="When it was completed (UTC); null: not yet, or never.",
            released_at="When it was cancelled (UTC); null: it was not.",
            cancelled_by="customer, staff or system; null: not cancelled, or not recorded.",
            cancelled_late="Whether the cancellation was late by the policy of the booking; null: not cancelled.",
            reason_code="Why it was cancelled or declined, as a code; null: no code was given.",
            fee="The fee for a late cancellation, in minor units: recorded, not collected. 0: none.",
            moves_by_customer="How often the customer moved it.",
            moves_by_staff="How often staff moved it.",
        ),
        "lead_minutes": Column(
            _minutes("f.start_at", "f.made_at"), "From made_at to the start; negative: entered afterwards."
        ),
        "first_lead_minutes": Column(_minutes("f.first_start_at", "f.made_at"), "From made_at to the first start."),
        "notice_minutes": Column(
            _minutes("f.start_at", "f.released_at"),
            "From the cancellation to the start; negative: afterwards; null: not cancelled.",
        ),
        "answer_minutes": Column(
            _minutes("f.answered_at", "f.made_at"), "From the request to its answer; null: no answer."
        ),
        "late_minutes": Column(
            _minutes("f.checked_in_at", "f.start_at"),
            "From the start to the check-in; negative: early; null: no check-in.",
        ),
        "freed_minutes": Column(
            f"CASE WHEN f.released_at < f.end_at THEN {_minutes('f.end_at', 'f.start_at')} END",
            "The time that its cancellation freed (minutes); null: none.",
        ),
        "recovered_minutes": Column(
            "CASE WHEN f.released_at < f.end_at THEN f.recovered_minutes END",
            "How much of freed_minutes later bookings and moves fill.",
        ),
        **_same(
            visit_number="The number of this visit among the person's in the organization; null: no visit.",
            first_visit_date="The date of the person's first visit there; null: this is no visit.",
            previous_visit_date="The date of the visit before this one; null: no visit, or the first.",
            next_made_at="When the person's next booking there was made, from the start of this visit to seven days"
            " after its end (UTC); null: none in that time.",
        ),
    },
    "{facts}.fact_appointment f",
    where=_real("f.demo"),
)
APPOINTMENT_EVENT = View(
    "appointment_event",
    "One row for each change of an appointment.",
    {
        **_same(
            position="The position in the log.",
            appointment_id="The appointment.",
            event="booked, requested, confirmed, declined, expired, moved, move_requested, move_declined,"
            " move_expired, transferred, cancelled, checked_in, completed, no_show or no_show_undone.",
            at="When it was recorded (UTC).",
            date="The local date of at.",
            by_party="customer, staff or system, of moves and cancellations; null: not recorded.",
            start_at="The start that the change names (UTC); null: it names none.",
        ),
        "organization_id": Column("a.organization_id", "The organization of the appointment; null: none."),
    },
    "{facts}.fact_appointment_event f JOIN {facts}.fact_appointment a ON a.id = f.appointment_id",
    organization="a.organization_id",
    where=_real("a.demo"),
)
SESSION = View(
    "session",
    "One row for each start of a group service that anybody has booked.",
    _same(
        provider_id="The provider.",
        service_id="The service.",
        organization_id="The organization; null: a provider without one.",
        start_at="The start (UTC).",
        start_date="The local date of the start.",
        seats_offered="The capacity of the service at the start.",
        seats_taken="The due appointments; 0: all were cancelled in time.",
    ),
    "{facts}.fact_session f",
    where=_real("f.demo"),
)
OPEN_TIME = View(
    "open_time",
    "One row for each provider and local date, from the first weekly plan to 62 days ahead.",
    {
        **_same(
            provider_id="The provider.",
            date="The local date.",
            organization_id="The organization that the provider belonged to when the date ended; null: none.",
            timezone="The IANA time zone that the date is read in: of the plan that was in force.",
            open_minutes="Weekly hours in force and overrides, less holidays and time off (minutes).",
            booked_minutes="Minutes of due appointments, each minute once, buffers aside.",
            booked_open_minutes="Those of booked_minutes that lie in the open time.",
        )
    },
    "{facts}.fact_open_time f LEFT JOIN {facts}.fact_provider p ON p.id = f.provider_id",
    where=_real("coalesce(p.demo, false)"),
)
HOLD = View(
    "hold",
    "One row for each hold: a time kept for a customer for some minutes.",
    {
        "hold_id": Column("f.id", "The id, as in the API."),
        **_same(
            service_id="The service.",
            provider_id="The provider.",
            organization_id="The organization of the provider; null: none.",
            channel="How it reached Daybook; waitlist: an offer; null: not recorded.",
            placed_at="When it was placed (UTC).",
            placed_date="The local date of placed_at.",
            outcome="held, used, released or expired.",
            ended_at="When it was used, released or expired (UTC); null: not yet.",
            appointment_id="The appointment that used it; null: none.",
        ),
        "due": Column("coalesce(a.due, false)", "Whether that appointment is due."),
        "visited": Column("coalesce(a.visited, false)", "Whether the customer came to it."),
    },
    "{facts}.fact_hold f LEFT JOIN {facts}.fact_appointment a ON a.id = f.appointment_id",
    where=_real("f.demo"),
)
WAITLIST_ENTRY = View(
    "waitlist_entry",
    "One row for each entry in a waitlist. A second offer is not a second entry.",
    {
        "entry_id": Column("f.id", "The id, as in the API."),
        **_same(
            service_id="The service.",
            provider_id="The provider whom the customer wants; null: any of the service.",
        ),
        "organization_id": Column("s.organization_id", "The organization of the service; null: none."),
        **_same(
            joined_at="When the customer joined (UTC).",
            joined_date="The local date of joined_at.",
            outcome="waiting, offered, accepted or left.",
            ended_at="When it was accepted or left (UTC); null: not yet.",
            appointment_id="The appointment that was made of it; null: none.",
        ),
        "offers": Column(
            "(SELECT count(*) FROM {facts}.fact_waitlist_offer o WHERE o.entry_id = f.id)::integer",
            "How many offers were made.",
        ),
        "lapsed_offers": Column(
            "(SELECT count(*) FROM {facts}.fact_waitlist_offer o WHERE o.entry_id = f.id AND o.outcome = 'lapsed')"
            "::integer",
            "How many of them were not answered in time.",
        ),
        "visited": Column("coalesce(a.visited, false)", "Whether the customer came to that appointment."),
    },
    "{facts}.fact_waitlist_entry f LEFT JOIN {facts}.fact_service s ON s.id = f.service_id"
    " LEFT JOIN {facts}.fact_appointment a ON a.id = f.appointment_id",
    organization="s.organization_id",
)
SERVICE = View(
    "service",
    "One row for each service, as it is now.",
    {
        "service_id": Column("f.id", "The id, as in the API."),
        **_same(organization_id="The organization; null: a provider without one.", name="Its name."),
        "tags": Column("ARRAY(SELECT jsonb_array_elements_text(f.tags))", "The slugs of its tags."),
    },
    "{facts}.fact_service f",
)
ORGANIZATION = View(
    "organization",
    "One row for each organization.",
    {
        "organization_id": Column("f.id", "The id, as in the API."),
        "name": Column("f.name", "Its name."),
    },
    "{facts}.fact_organization f",
    organization="f.id",
)
DATES = View(
    "dates",
    "One row for each date from the first booking or open day to the last of open_time: for periods without rows.",
    {
        "date": Column("d::date", "The date."),
        "week": Column("date_trunc('week', d)::date", "The Monday of its week."),
        "month": Column("date_trunc('month', d)::date", "The first of its month."),
    },
    "{facts}.fact_clock f, generate_series((SELECT least(min(made_date), min(start_date))"
    " FROM {facts}.fact_appointment), f.horizon, interval '1 day') d",
    organization=None,
)
AS_OF = View(
    "as_of",
    "One row: how far the figures are.",
    {
        "generation": Column("l.generation", "The generation of the read models; a rebuild makes another."),
        "position": Column("b.position", "The position of the last event in the figures."),
        "at": Column("f.at", "When that event was recorded (UTC)."),
        "horizon": Column("f.horizon", "The last date of analysis.open_time."),
    },
    "read.live l JOIN read.bookmark b ON b.generation = l.generation AND b.reader = 'analysis'"
    " LEFT JOIN {facts}.fact_clock f ON true",
    organization=None,
)

VIEWS = (
    APPOINTMENT,
    APPOINTMENT_EVENT,
    SESSION,
    OPEN_TIME,
    HOLD,
    WAITLIST_ENTRY,
    SERVICE,
    ORGANIZATION,
    DATES,
    AS_OF,
)

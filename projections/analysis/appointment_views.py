"""The views of appointments: what an analyst sees of each, and of its changes."""

from projections.analysis.view import AnalysisView, ViewColumn, real, same

_KEY = """CASE WHEN NOT EXISTS (SELECT FROM {facts}.fact_forgotten g WHERE g.customer_id = f.person_id) THEN
        encode(substr(sha256((SELECT secret FROM read.analysis_secret) || uuid_send(f.place_id)
            || uuid_send(f.person_id)), 1, 16), 'hex') END"""


def _minutes(later: str, earlier: str) -> str:
    return f"floor(extract(epoch FROM {later} - {earlier}) / 60)::integer"


APPOINTMENT = AnalysisView(
    "appointment",
    "One row for each appointment that was booked or requested, as it stands now. A seat of a group session is an"
    " appointment. Moves change the row; while a move waits for an answer, the row shows the confirmed time.",
    {
        "appointment_id": ViewColumn("f.id", "The id, as in the API."),
        **same(
            service_id="The service; see analysis.service.",
            provider_id="The provider who hosts it.",
            organization_id="The organization under whose record it stands; null: a provider without one.",
        ),
        "customer_key": ViewColumn(
            _KEY,
            "The same for the same person in one organization (or with one provider without one), and only there."
            " Null once the person was erased. A pseudonym: not anonymous.",
        ),
        **same(
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
        "minutes": ViewColumn(_minutes("f.end_at", "f.start_at"), "How long it lasts, buffers aside (minutes)."),
        **same(
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
        "lead_minutes": ViewColumn(
            _minutes("f.start_at", "f.made_at"), "From made_at to the start; negative: entered afterwards."
        ),
        "first_lead_minutes": ViewColumn(_minutes("f.first_start_at", "f.made_at"), "From made_at to the first start."),
        "notice_minutes": ViewColumn(
            _minutes("f.start_at", "f.released_at"),
            "From the cancellation to the start; negative: afterwards; null: not cancelled.",
        ),
        "answer_minutes": ViewColumn(
            _minutes("f.answered_at", "f.made_at"), "From the request to its answer; null: no answer."
        ),
        "late_minutes": ViewColumn(
            _minutes("f.checked_in_at", "f.start_at"),
            "From the start to the check-in; negative: early; null: no check-in.",
        ),
        "freed_minutes": ViewColumn(
            f"CASE WHEN f.released_at < f.end_at THEN {_minutes('f.end_at', 'f.start_at')} END",
            "The time that its cancellation freed (minutes); null: none.",
        ),
        "recovered_minutes": ViewColumn(
            "CASE WHEN f.released_at < f.end_at THEN f.recovered_minutes END",
            "How much of freed_minutes later bookings and moves fill.",
        ),
        **same(
            visit_number="The number of this visit among the person's in the organization; null: no visit.",
            first_visit_date="The date of the person's first visit there; null: this is no visit.",
            previous_visit_date="The date of the visit before this one; null: no visit, or the first.",
            next_made_at="When the person's next booking there was made, from the start of this visit to seven days"
            " after its end (UTC); null: none in that time.",
        ),
    },
    "{facts}.fact_appointment f",
    where=real("f.demo"),
)
APPOINTMENT_EVENT = AnalysisView(
    "appointment_event",
    "One row for each change of an appointment.",
    {
        **same(
            position="The position in the log.",
            appointment_id="The appointment.",
            event="booked, requested, confirmed, declined, expired, moved, move_requested, move_declined,"
            " move_expired, transferred, cancelled, checked_in, completed, no_show or no_show_undone.",
            by_party="customer, staff or system, of moves and cancellations; null: not recorded.",
            start_at="The start that the change names (UTC); null: it names none.",
        ),
        "recorded_at": ViewColumn("f.at", "When it was recorded (UTC)."),
        "recorded_date": ViewColumn("f.date", "The local date of recorded_at."),
        "organization_id": ViewColumn("a.organization_id", "The organization of the appointment; null: none."),
    },
    "{facts}.fact_appointment_event f JOIN {facts}.fact_appointment a ON a.id = f.appointment_id",
    organization="a.organization_id",
    where=real("a.demo"),
)

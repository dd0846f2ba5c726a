"""The views of schema `analysis`: what an analyst sees of the facts."""

from projections.analysis.appointment_views import APPOINTMENT, APPOINTMENT_EVENT
from projections.analysis.view import AnalysisView, ViewColumn, real, same

SESSION = AnalysisView(
    "session",
    "One row for each start of a group service that anybody has booked.",
    same(
        provider_id="The provider.",
        service_id="The service.",
        organization_id="The organization; null: a provider without one.",
        start_at="The start (UTC).",
        start_date="The local date of the start.",
        seats_offered="The capacity of the service at the start.",
        seats_taken="The due appointments; 0: all were cancelled in time.",
    ),
    "{facts}.fact_session f",
    where=real("f.demo"),
)
OPEN_TIME = AnalysisView(
    "open_time",
    "One row for each provider and local date, from the first weekly plan to 62 days ahead.",
    {
        **same(
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
    where=real("coalesce(p.demo, false)"),
)
HOLD = AnalysisView(
    "hold",
    "One row for each hold: a time kept for a customer for some minutes.",
    {
        "hold_id": ViewColumn("f.id", "The id, as in the API."),
        **same(
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
        "due": ViewColumn("coalesce(a.due, false)", "Whether that appointment is due."),
        "visited": ViewColumn("coalesce(a.visited, false)", "Whether the customer came to it."),
    },
    "{facts}.fact_hold f LEFT JOIN {facts}.fact_appointment a ON a.id = f.appointment_id",
    where=real("f.demo"),
)
WAITLIST_ENTRY = AnalysisView(
    "waitlist_entry",
    "One row for each entry in a waitlist. A second offer is not a second entry.",
    {
        "entry_id": ViewColumn("f.id", "The id, as in the API."),
        **same(
            service_id="The service.",
            provider_id="The provider whom the customer wants; null: any of the service.",
        ),
        "organization_id": ViewColumn("s.organization_id", "The organization of the service; null: none."),
        **same(
            joined_at="When the customer joined (UTC).",
            joined_date="The local date of joined_at.",
            outcome="waiting, offered, accepted or left.",
            ended_at="When it was accepted or left (UTC); null: not yet.",
            appointment_id="The appointment that was made of it; null: none.",
        ),
        "offers": ViewColumn(
            "(SELECT count(*) FROM {facts}.fact_waitlist_offer o WHERE o.entry_id = f.id)::integer",
            "How many offers were made.",
        ),
        "lapsed_offers": ViewColumn(
            "(SELECT count(*) FROM {facts}.fact_waitlist_offer o WHERE o.entry_id = f.id AND o.outcome = 'lapsed')"
            "::integer",
            "How many of them were not answered in time.",
        ),
        "visited": ViewColumn("coalesce(a.visited, false)", "Whether the customer came to that appointment."),
    },
    "{facts}.fact_waitlist_entry f LEFT JOIN {facts}.fact_service s ON s.id = f.service_id"
    " LEFT JOIN {facts}.fact_appointment a ON a.id = f.appointment_id",
    organization="s.organization_id",
)
SERVICE = AnalysisView(
    "service",
    "One row for each service, as it is now.",
    {
        "service_id": ViewColumn("f.id", "The id, as in the API."),
        **same(organization_id="The organization; null: a provider without one.", name="Its name."),
        "tags": ViewColumn("ARRAY(SELECT jsonb_array_elements_text(f.tags))", "The slugs of its tags."),
    },
    "{facts}.fact_service f",
)
ORGANIZATION = AnalysisView(
    "organization",
    "One row for each organization.",
    {
        "organization_id": ViewColumn("f.id", "The id, as in the API."),
        "name": ViewColumn("f.name", "Its name."),
    },
    "{facts}.fact_organization f",
    organization="f.id",
)
DATES = AnalysisView(
    "dates",
    "One row for each date from the first booking or open day to the last of open_time: for periods without rows.",
    {
        "date": ViewColumn("d::date", "The date."),
        "week": ViewColumn("date_trunc('week', d)::date", "The Monday of its week."),
        "month": ViewColumn("date_trunc('month', d)::date", "The first of its month."),
    },
    "{facts}.fact_clock f, generate_series((SELECT least(min(made_date), min(start_date))"
    " FROM {facts}.fact_appointment), f.horizon, interval '1 day') d",
    organization=None,
)
AS_OF = AnalysisView(
    "as_of",
    "One row: how far the figures are.",
    {
        "generation": ViewColumn("b.generation", "The generation of the read models; a rebuild makes another."),
        "position": ViewColumn("b.position", "The position of the last event in the figures."),
        "last_event_at": ViewColumn("f.at", "When that event was recorded (UTC)."),
        "horizon": ViewColumn("f.horizon", "The last date of analysis.open_time."),
    },
    "read.bookmark b LEFT JOIN {facts}.fact_clock f ON true",
    organization=None,
    where="b.reader = 'analysis' AND '{facts}' = 'read_' || b.generation",  # that of the facts, live or not
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

"""How much is booked, how long before, and what is moved and cancelled."""

from projections.analysis.metric import APPOINTMENTS, Measure, Metric, Unit, count, percentile, share

_MOVED = "v.moves_by_customer + v.moves_by_staff > 0"
_CANCELLED = "v.status = 'cancelled'"
_WALK_IN = "v.lead_minutes < 15"

METRICS = (
    Metric(
        "bookings_made",
        "Bookings made",
        "Appointments booked or requested, by the date on which that happened. A move is no new booking; requests that"
        " were declined or expired were made too.",
        "appointment",
        "made_date",
        {
            "made": count("Booked or requested."),
            "requested": count("Of them, requests that staff had to answer.", "v.requested"),
        },
        APPOINTMENTS,
    ),
    Metric(
        "cancel_rate",
        "Cancelled bookings",
        "What became of the bookings that were made in the period, however late that happened.",
        "appointment",
        "made_date",
        {
            "made": count("Booked or requested."),
            "cancelled": count("Of them, cancelled by now.", _CANCELLED),
            "by_provider": count(
                "Of those, because of the provider: by staff or the system, or with the code provider_unavailable.",
                f"{_CANCELLED} AND (v.cancelled_by IN ('staff', 'system') OR v.reason_code = 'provider_unavailable')",
            ),
            "share": share("Cancelled of made.", _CANCELLED),
        },
        APPOINTMENTS,
    ),
    Metric(
        "moves",
        "Moved bookings",
        "How often the bookings that were made in the period were moved by now.",
        "appointment",
        "made_date",
        {
            "made": count("Booked or requested."),
            "moved": count("Moved at least once.", _MOVED),
            "share": share("Moved of made.", _MOVED),
            "by_customer": Measure(Unit.COUNT, "coalesce(sum(v.moves_by_customer), 0)::bigint", "Moves by customers."),
            "by_staff": Measure(Unit.COUNT, "coalesce(sum(v.moves_by_staff), 0)::bigint", "Moves by staff."),
            "mean": Measure(
                Unit.MEAN, "round(avg(v.moves_by_customer + v.moves_by_staff), 4)", "Moves of a booking, on average."
            ),
        },
        APPOINTMENTS,
    ),
    Metric(
        "lead_time",
        "Lead time",
        "How long before their start due appointments were made. Walk-ins, made less than 15 minutes before the start,"
        " are counted apart and left out of the times.",
        "appointment",
        "start_date",
        {
            "due": count("Due appointments."),
            "walk_ins": count("Of them, made less than 15 minutes before the start, or after it.", _WALK_IN),
            **{
                name: percentile(f"Time to the last start: {words}.", percent, "v.lead_minutes", f"NOT {_WALK_IN}")
                for name, words, percent in (
                    ("p25", "a quarter is shorter", 25),
                    ("median", "half is shorter", 50),
                    ("p75", "three quarters are shorter", 75),
                    ("p90", "nine of ten are shorter", 90),
                )
            },
            "first_median": percentile(
                "Time to the start as first booked: half is shorter.", 50, "v.first_lead_minutes", f"NOT {_WALK_IN}"
            ),
        },
        APPOINTMENTS,
        where="v.due",
    ),
    Metric(
        "notice_given",
        "Notice given",
        "How long before their start appointments were cancelled.",
        "appointment",
        "start_date",
        {
            "cancelled": count("Cancelled appointments."),
            "afterwards": count("After the start.", "v.notice_minutes < 0"),
            "under_2_hours": count("Less than two hours before.", "v.notice_minutes BETWEEN 0 AND 119"),
            "under_a_day": count("Two hours to a day before.", "v.notice_minutes BETWEEN 120 AND 1439"),
            "under_3_days": count("One to three days before.", "v.notice_minutes BETWEEN 1440 AND 4319"),
            "under_a_week": count("Three to seven days before.", "v.notice_minutes BETWEEN 4320 AND 10079"),
            "a_week_or_more": count("Seven days before or earlier.", "v.notice_minutes >= 10080"),
        },
        APPOINTMENTS,
        where="v.released_at IS NOT NULL",
    ),
)

"""How full the calendars are."""

from projections.analysis.metric import CALENDARS, SESSIONS, Measure, Metric, Unit, count, total

METRICS = (
    Metric(
        "utilisation",
        "Utilisation",
        "Open time and how much of it is booked. A weekly plan counts from the day on which it was set; time off that"
        " is recorded later changes its days. Open time is known 62 days ahead.",
        "open_time",
        "date",
        {
            "open_minutes": total("Hours in force, less holidays and time off.", "v.open_minutes", Unit.MINUTES),
            "booked_minutes": total(
                "Due appointments, each minute once, buffers aside.", "v.booked_minutes", Unit.MINUTES
            ),
            "outside_minutes": total(
                "Of those, outside the open time.", "v.booked_minutes - v.booked_open_minutes", Unit.MINUTES
            ),
            "share": Measure(
                Unit.SHARE,
                "round(sum(v.booked_open_minutes)::numeric / nullif(sum(v.open_minutes), 0), 4)",
                "Booked open minutes of open minutes; null: nothing was open.",
            ),
        },
        CALENDARS,
    ),
    Metric(
        "seat_fill",
        "Seat fill",
        "Group sessions that anybody booked, and how full they are. Sessions that all have left are counted apart.",
        "session",
        "start_date",
        {
            "sessions": count("Sessions with a taken seat.", "v.seats_taken > 0"),
            "empty_sessions": count("Sessions that all have left in time.", "v.seats_taken = 0"),
            "seats_offered": total("Capacity at the start.", "v.seats_offered", where="v.seats_taken > 0"),
            "seats_taken": total("Due appointments.", "v.seats_taken"),
            "share": Measure(
                Unit.SHARE,
                "round(sum(v.seats_taken)::numeric"
                " / nullif(sum(v.seats_offered) FILTER (WHERE v.seats_taken > 0), 0), 4)",
                "Taken of offered; null: no session.",
            ),
        },
        SESSIONS,
    ),
)

"""Who came, who did not, and who was late."""

from projections.analysis.metric import APPOINTMENTS, Metric, count, percentile, share

_NO_SHOW = "v.status = 'no_show'"
_LATE = "v.cancelled_late"

METRICS = (
    Metric(
        "no_show_rate",
        "No-shows",
        "Customers who did not come, of those who did or did not. Undone no-shows and late cancellations are none.",
        "appointment",
        "start_date",
        {
            "visits": count("Completed, or checked in.", "v.visited"),
            "no_shows": count("Marked as no-show.", _NO_SHOW),
            "share": share("No-shows of both.", _NO_SHOW, f"v.visited OR {_NO_SHOW}"),
        },
        APPOINTMENTS,
        where="v.due",
    ),
    Metric(
        "late_cancel_rate",
        "Late cancellations",
        "Appointments that were cancelled too late by their policy, of all that were due.",
        "appointment",
        "start_date",
        {
            "due": count("Due appointments: late cancellations stay due."),
            "late": count("Cancelled late.", _LATE),
            "by_customer": count("Of them, by the customer.", f"{_LATE} AND v.cancelled_by = 'customer'"),
            "by_staff": count("Of them, by staff.", f"{_LATE} AND v.cancelled_by = 'staff'"),
            "by_system": count("Of them, by Daybook or its operator.", f"{_LATE} AND v.cancelled_by = 'system'"),
            "share": share("Late of due.", _LATE),
        },
        APPOINTMENTS,
        where="v.due",
    ),
    Metric(
        "punctuality",
        "Punctuality",
        "How long after the start customers were checked in, where that was recorded.",
        "appointment",
        "start_date",
        {
            "checked_in": count("Appointments with a check-in."),
            "median": percentile(
                "From the start to the check-in: half is less; negative: early.", 50, "v.late_minutes"
            ),
            "p90": percentile("Nine of ten are less.", 90, "v.late_minutes"),
        },
        APPOINTMENTS,
        where="v.checked_in_at IS NOT NULL",
    ),
)

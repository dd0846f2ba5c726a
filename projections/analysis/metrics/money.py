"""What is booked, earned, due and lost, in the minor units of each currency."""

from projections.analysis.metric import APPOINTMENTS, Measure, Metric, Unit, count, total

_LOST = "v.status = 'no_show' OR v.cancelled_late"

METRICS = (
    Metric(
        "value",
        "Value",
        "Prices as they were agreed. Customers who were erased still count.",
        "appointment",
        "start_date",
        {
            "due": count("Due appointments.", "v.due"),
            "booked": total("Prices of due appointments.", "v.price", Unit.MONEY, "v.due"),
            "earned": total("Prices of completed ones.", "v.price", Unit.MONEY, "v.status = 'completed'"),
        },
        APPOINTMENTS,
        always=("currency",),
    ),
    Metric(
        "fees_due",
        "Fees due",
        "Fees for late cancellations, as recorded. Daybook does not know whether they were collected.",
        "appointment",
        "start_date",
        {
            "cancellations": count("Late cancellations with a fee.", "v.fee > 0"),
            "fees": total("Their fees.", "v.fee", Unit.MONEY),
        },
        APPOINTMENTS,
        where="v.released_at IS NOT NULL",
        always=("currency",),
    ),
    Metric(
        "lost_and_recovered",
        "Lost and recovered",
        "What no-shows and late cancellations cost, less their fees, and how much of the time that cancellations freed"
        " was booked again afterwards.",
        "appointment",
        "start_date",
        {
            "no_shows": count("No-shows.", "v.status = 'no_show'"),
            "late_cancels": count("Late cancellations.", "v.cancelled_late"),
            "lost": Measure(
                Unit.MONEY,
                f"coalesce(sum(v.price - v.fee) FILTER (WHERE {_LOST}), 0)::bigint",
                "Their prices less their fees.",
            ),
            "freed_minutes": total("Time that cancellations freed.", "v.freed_minutes", Unit.MINUTES),
            "recovered_minutes": total(
                "Of it, filled by what was booked or moved there later.", "v.recovered_minutes", Unit.MINUTES
            ),
            "share": Measure(
                Unit.SHARE,
                "round(sum(v.recovered_minutes)::numeric / nullif(sum(v.freed_minutes), 0), 4)",
                "Recovered of freed minutes; null: nothing was freed.",
            ),
        },
        APPOINTMENTS,
        always=("currency",),
    ),
)

"""From a hold, a request or a place in the line to a visit."""

from projections.analysis.metric import APPOINTMENTS, ENTRIES, HOLDS, Metric, count, percentile, share

_CONFIRMED = "v.answered_at IS NOT NULL AND v.status <> 'declined'"
_BY_CUSTOMER = "v.channel IS DISTINCT FROM 'waitlist'"

METRICS = (
    Metric(
        "hold_funnel",
        "Holds",
        "What became of the times that were kept for customers for some minutes. Offers to the waitlist are apart.",
        "hold",
        "placed_date",
        {
            "placed": count("Holds.", _BY_CUSTOMER),
            "used": count("Became an appointment.", f"{_BY_CUSTOMER} AND v.outcome = 'used'"),
            "due": count("That is due.", f"{_BY_CUSTOMER} AND v.due"),
            "visited": count("To which the customer came.", f"{_BY_CUSTOMER} AND v.visited"),
            "released": count("Given back.", f"{_BY_CUSTOMER} AND v.outcome = 'released'"),
            "expired": count("Ran out.", f"{_BY_CUSTOMER} AND v.outcome = 'expired'"),
            "offers": count("Holds of offers to the waitlist.", f"NOT ({_BY_CUSTOMER})"),
        },
        HOLDS,
    ),
    Metric(
        "approval",
        "Requests",
        "What became of the requests that were made in the period, and how soon staff answered.",
        "appointment",
        "made_date",
        {
            "requested": count("Requests."),
            "confirmed": count("Confirmed.", _CONFIRMED),
            "declined": count("Declined.", "v.status = 'declined'"),
            "expired": count("Not answered in time.", "v.status = 'expired'"),
            "share": share("Confirmed of all.", _CONFIRMED),
            "median": percentile("Time to the answer: half is shorter.", 50, "v.answer_minutes"),
            "p90": percentile("Nine of ten are shorter.", 90, "v.answer_minutes"),
        },
        APPOINTMENTS,
        where="v.requested",
    ),
    Metric(
        "waitlist",
        "Waitlist",
        "What became of the entries of customers who joined a waitlist in the period.",
        "waitlist_entry",
        "joined_date",
        {
            "joined": count("Entries."),
            "offered": count("Got at least one offer.", "v.offers > 0"),
            "accepted": count("Accepted one.", "v.outcome = 'accepted'"),
            "visited": count("Came to that appointment.", "v.visited"),
            "lapsed": count("Let at least one offer run out.", "v.lapsed_offers > 0"),
            "left": count("Left the line.", "v.outcome = 'left'"),
        },
        ENTRIES,
    ),
)

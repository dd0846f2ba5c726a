"""Customers who are new, who come back, and when.

A person is known again in one organization, or with one provider without one. Each figure adds up columns of visits, so
it stays when a person is erased.
"""

from projections.analysis.metric import APPOINTMENTS, Dimension, Metric, count, share

_FIRST_IN_PERIOD = "(v.previous_visit_date IS NULL OR v.previous_visit_date < {period})"
_SEEN_BEFORE = "v.previous_visit_date >= {period} - 365"
_MONTHS = """(12 * (extract(year FROM v.start_date) - extract(year FROM v.first_visit_date))
    + extract(month FROM v.start_date) - extract(month FROM v.first_visit_date))"""
_FIRST_IN_MONTH = "v.previous_visit_date < date_trunc('month', v.start_date)"

METRICS = (
    Metric(
        "new_and_returning",
        "New and returning customers",
        "Visits of customers who came for the first time, and of those who had come before.",
        "appointment",
        "start_date",
        {
            "visits": count("Visits."),
            "new": count("First visits.", "v.visit_number = 1"),
            "returning": count("Later visits.", "v.visit_number > 1"),
            "share": share("First visits of all.", "v.visit_number = 1"),
        },
        APPOINTMENTS,
        where="v.visited",
    ),
    Metric(
        "retention",
        "Retention",
        "How many of the people who came in the period had come in the 365 days before it.",
        "appointment",
        "start_date",
        {
            "visitors": count("People who came, each once in a period and place.", _FIRST_IN_PERIOD),
            "seen_before": count(
                "Of them, seen in the 365 days before the period.", f"{_FIRST_IN_PERIOD} AND {_SEEN_BEFORE}"
            ),
            "share": share("Seen before of all.", _SEEN_BEFORE, _FIRST_IN_PERIOD),
        },
        (Dimension.ORGANIZATION, Dimension.DAY, Dimension.WEEK, Dimension.MONTH),
        where="v.visited",
    ),
    Metric(
        "cohorts",
        "Cohorts",
        "People by the month of their first visit, and how many of them came again so many months later. A month that"
        " is not over has fewer; one that has not begun is 0.",
        "appointment",
        "first_visit_date",
        {
            "people": count("First visits.", "v.visit_number = 1"),
            **{
                f"back_{n}": count(
                    f"Of them, who came in the month {n} after.", f"{_MONTHS} = {n} AND {_FIRST_IN_MONTH}"
                )
                for n in range(1, 13)
            },
        },
        (Dimension.ORGANIZATION, Dimension.MONTH),
        where="v.visited",
    ),
    Metric(
        "rebooked",
        "Rebooked",
        "Visits after which the customer booked again at the same place, from the start of the visit to seven days"
        " after its end. Complete seven days after the period.",
        "appointment",
        "start_date",
        {
            "visits": count("Visits."),
            "rebooked": count("Of them, with another booking within seven days.", "v.next_made_at IS NOT NULL"),
            "share": share("Rebooked of all.", "v.next_made_at IS NOT NULL"),
        },
        APPOINTMENTS,
        where="v.visited",
    ),
)

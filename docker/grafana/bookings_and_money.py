"""The dashboard *Bookings and money*: what analysts ask, from the views of schema `analysis` (docs/analysts.md)."""

from docker.grafana.board import Board, Panel, Question

_CHOSEN = """coalesce({v}organization_id::text, '') ~ '^(${{organization:pipe}})$'"""
_OF_SERVICE = _CHOSEN + """ AND {v}service_id::text ~ '^(${{service:pipe}})$'"""
_SINCE, _UNTIL = "$__timeFrom()::timestamptz::date", "$__timeTo()::timestamptz::date"
CHOICES = {
    "organization": "SELECT name AS __text, organization_id AS __value FROM analysis.organization ORDER BY 1",
    "service": "SELECT name AS __text, service_id AS __value FROM analysis.service ORDER BY 1, 2",
}


def _asked(what: str, view: str, date: str, where: str = "true", *, by: str = "day", lines: str = "") -> str:
    """SQL over the dates shown. `by`: a unit of time; empty: one row. `lines`: a column that names the lines."""
    times = f"date_trunc('{by}', v.{date})::timestamptz AS time, " if by else ""
    named = f"v.{lines} AS metric, " if lines else ""
    chosen = (_CHOSEN if view == "open_time" else _OF_SERVICE).format(v="v.")
    groups = ", ".join(str(n + 1) for n in range(bool(by) + bool(lines)))
    return (
        f"SELECT {times}{named}{what} FROM analysis.{view} v"  # noqa: S608  all of it is written here
        f" WHERE v.{date} BETWEEN {_SINCE} AND {_UNTIL} AND {chosen} AND {where}"
        + (f" GROUP BY {groups} ORDER BY {groups}" if groups else "")
    )


def _number(title: str, unit: str, meaning: str, sql: str) -> Panel:
    return Panel(title, unit, meaning, [Question(sql, title, sql=True)], "number", 4)


def _graph(title: str, unit: str, meaning: str, *questions: str) -> Panel:
    return Panel(title, unit, meaning, [Question(sql, "", sql=True) for sql in questions])


_NO_SHOWS = (
    "count(*) FILTER (WHERE v.status = 'no_show')::float8"
    " / nullif(count(*) FILTER (WHERE v.visited OR v.status = 'no_show'), 0) AS \"no-shows\""
)
_FULL = "sum(v.booked_open_minutes)::float8 / nullif(sum(v.open_minutes), 0) AS booked"
_CANCELLED = "v.status = 'cancelled'"

NOW = [
    _number(
        "Bookings made",
        "short",
        "Appointments booked or requested in the time shown, by the date on which that happened.",
        _asked("count(*) AS made", "appointment", "made_date", by=""),
    ),
    _number(
        "Cancelled of them",
        "percentunit",
        "Of the bookings made in the time shown, those that are cancelled by now.",
        _asked(
            f"count(*) FILTER (WHERE {_CANCELLED})::float8 / nullif(count(*), 0) AS cancelled",
            "appointment",
            "made_date",
            by="",
        ),
    ),
    _number(
        "No-shows of visits",
        "percentunit",
        "Customers who did not come, of those who did or did not, by the date of the appointment. It rises: do "
        "reminders arrive? See the dashboard Jobs and mail.",
        _asked(_NO_SHOWS, "appointment", "start_date", "v.due", by=""),
    ),
    _number(
        "Booked of open time",
        "percentunit",
        "How full the calendars are. Above 85 %, customers find few times; the variable service does not count here.",
        _asked(_FULL, "open_time", "date", by=""),
    ),
    _number(
        "Visits",
        "short",
        "Appointments to which the customer came, by the date of the appointment.",
        _asked("count(*) AS visits", "appointment", "start_date", "v.visited", by=""),
    ),
    _number(
        "New customers",
        "short",
        "First visits of a customer in an organization, by the date of the visit.",
        _asked("count(*) AS new", "appointment", "start_date", "v.visit_number = 1", by=""),
    ),
]
COURSE = [
    _graph(
        "Bookings by day",
        "short",
        "Booked or requested each day, and cancelled each day (by the date of the booking). No bookings on a usual "
        "day: see the dashboard Service.",
        _asked("count(*) AS made", "appointment", "made_date"),
        _asked("count(*) AS cancelled", "appointment", "made_date", _CANCELLED),
    ),
    _graph(
        "Bookings by channel",
        "short",
        "How the bookings of each week reached Daybook: page, API, staff, waitlist, series or import.",
        _asked("count(*) AS made", "appointment", "made_date", by="week", lines="channel"),
    ),
    _graph(
        "Utilisation by day",
        "percentunit",
        "Booked minutes of open minutes. Dates ahead fill up as they come near; the variable service does "
        "not count here.",
        _asked(_FULL, "open_time", "date"),
    ),
    _graph(
        "No-show rate by week",
        "percentunit",
        "Customers who did not come, of those who did or did not. A week that rises alone may be one provider's.",
        _asked(_NO_SHOWS, "appointment", "start_date", "v.due", by="week"),
    ),
    _graph(
        "New and returning customers by week",
        "short",
        "Visits of customers who came for the first time, and of those who had come before.",
        _asked(
            "count(*) FILTER (WHERE v.visit_number = 1) AS new,"
            " count(*) FILTER (WHERE v.visit_number > 1) AS returning",
            "appointment",
            "start_date",
            "v.visited",
            by="week",
        ),
    ),
    _graph(
        "Hours of the day",
        "short",
        "Due appointments of each week that start before noon, in the afternoon, and from 17:00 on, local time.",
        _asked(
            "count(*) FILTER (WHERE v.start_hour < 12) AS morning,"
            " count(*) FILTER (WHERE v.start_hour BETWEEN 12 AND 16) AS afternoon,"
            " count(*) FILTER (WHERE v.start_hour > 16) AS evening",
            "appointment",
            "start_date",
            "v.due",
            by="week",
        ),
    ),
]
MONEY = [
    _graph(
        "Earned by week and currency",
        "short",
        "Prices of completed appointments, in minor units (cents) of each currency: never add several currencies.",
        _asked(
            "sum(v.price) AS earned", "appointment", "start_date", "v.status = 'completed'", by="week", lines="currency"
        ),
    ),
    _graph(
        "Booked by week and currency",
        "short",
        "Prices of due appointments in minor units: what comes in if all of them take place.",
        _asked("sum(v.price) AS booked", "appointment", "start_date", "v.due", by="week", lines="currency"),
    ),
    _graph(
        "Lost by week and currency",
        "short",
        "Prices of no-shows and late cancellations less their fees, in minor units. Fees are recorded, not collected.",
        _asked(
            "sum(v.price - v.fee) AS lost",
            "appointment",
            "start_date",
            "(v.status = 'no_show' OR v.cancelled_late)",
            by="week",
            lines="currency",
        ),
    ),
]
BOARD = Board(
    "bookings-and-money",
    "Bookings and money",
    "How does the business do? As the analyst daybook_grafana sees it: no name, no address.",
    [("In the time shown", NOW), ("Course", COURSE), ("Money", MONEY)],
    choices=CHOICES,
    since="now-90d",
    refresh="5m",
)

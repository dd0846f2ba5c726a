"""A metric: a question about the business, asked of one view for a period, by dimensions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from projections.analysis.view import SCHEMA
from projections.analysis.views import VIEWS


class Unit(StrEnum):
    """What a number is. SHARE: 0 to 1; MONEY: in minor units of the row's currency."""

    COUNT = "count"
    MINUTES = "minutes"
    SHARE = "share"
    MONEY = "money"
    MEAN = "mean"


class Dimension(StrEnum):
    """What figures are told apart by. Dates are local to the provider."""

    PROVIDER = "provider"
    SERVICE = "service"
    TAG = "tag"
    ORGANIZATION = "organization"
    CHANNEL = "channel"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    HOUR = "hour"


PERIODS = (Dimension.DAY, Dimension.WEEK, Dimension.MONTH)
_OF_THINGS = (Dimension.PROVIDER, Dimension.SERVICE, Dimension.TAG, Dimension.ORGANIZATION)
APPOINTMENTS = (*_OF_THINGS, Dimension.CHANNEL, *PERIODS, Dimension.HOUR)
CALENDARS = (Dimension.PROVIDER, Dimension.ORGANIZATION, *PERIODS)
SESSIONS = (*_OF_THINGS, *PERIODS)
HOLDS = (*_OF_THINGS, Dimension.CHANNEL, *PERIODS)
ENTRIES = (*_OF_THINGS, *PERIODS)

_COLUMNS: Mapping[Dimension, str] = {
    Dimension.PROVIDER: "v.provider_id",
    Dimension.SERVICE: "v.service_id",
    Dimension.TAG: "t.tag",
    Dimension.ORGANIZATION: "v.organization_id",
    Dimension.CHANNEL: "v.channel",
    Dimension.HOUR: "v.start_hour",
}
_TAGS = f"LEFT JOIN {SCHEMA}.service s USING (service_id) LEFT JOIN LATERAL unnest(s.tags) t (tag) ON true"
_KEY = "customer_key"
_WITH_CUSTOMERS = frozenset(view.name for view in VIEWS if _KEY in view.columns)
CUSTOMERS = "customers"
"""The column that counts them: those who were erased have no key, so that each of their rows counts as one."""


@dataclass(frozen=True)
class Measure:
    """A number of a metric. `sql`: an aggregate over the view `v`; {period} is the first date of the row's period."""

    unit: Unit
    sql: str
    comment: str


@dataclass(frozen=True)
class Metric:
    """`view`: the view that it asks; `date`: the column that says which period a row belongs to.

    `dimensions`: what it can be told apart by; `always`: columns of the view that it is always told apart by.
    """

    name: str
    title: str
    explanation: str
    view: str
    date: str
    measures: Mapping[str, Measure]
    dimensions: Sequence[Dimension]
    where: str = "true"
    always: Sequence[str] = field(default=())

    @property
    def has_customers(self) -> bool:
        """Whether its view says which customer a row is about."""
        return self.view in _WITH_CUSTOMERS

    def statement(self, by: Sequence[Dimension], *, among: Sequence[str] = (), customers: bool = False) -> str:
        """SELECT of the metric by dimensions, with the parameters `since` and `until` (dates, both included).

        `among`: columns whose value must be in the array that is the parameter of their name. `customers`: with the
        column CUSTOMERS, which says how many of them a row is about.
        """
        columns = {str(each): self._column(each) for each in by} | {name: f"v.{name}" for name in self.always}
        period = next((self._column(each) for each in by if each in PERIODS), "%(since)s::date")
        shown = [f"{sql} AS {name}" for name, sql in columns.items()]
        shown += [f"{each.sql.replace('{period}', period)} AS {name}" for name, each in self.measures.items()]
        if customers:
            shown.append(f"count(DISTINCT v.{_KEY}) + count(*) FILTER (WHERE v.{_KEY} IS NULL) AS {CUSTOMERS}")
        where = "".join(f" AND v.{name} = ANY(%({name})s)" for name in among)
        joined = f"{SCHEMA}.{self.view} v {_TAGS if Dimension.TAG in by else ''}"
        numbers = ", ".join(str(n + 1) for n in range(len(columns)))
        return (
            f"SELECT {', '.join(shown)} FROM {joined} "  # noqa: S608  all of it is written in metrics
            f"WHERE v.{self.date} BETWEEN %(since)s AND %(until)s AND ({self.where}){where}"
            + (f" GROUP BY {numbers} ORDER BY {numbers}" if columns else "")
        )

    def _column(self, dimension: Dimension) -> str:
        if dimension in PERIODS:
            return f"date_trunc('{dimension}', v.{self.date})::date"
        return _COLUMNS[dimension]


def count(comment: str, where: str = "true") -> Measure:
    """How many rows."""
    return Measure(Unit.COUNT, f"count(*) FILTER (WHERE {where})", comment)


def share(comment: str, part: str, whole: str = "true") -> Measure:
    """The rows that are `part` of those that are `whole`; null where there are none."""
    found = f"count(*) FILTER (WHERE ({part}) AND ({whole}))"
    return Measure(Unit.SHARE, f"round({found}::numeric / nullif(count(*) FILTER (WHERE {whole}), 0), 4)", comment)


def total(comment: str, column: str, unit: Unit = Unit.COUNT, where: str = "true") -> Measure:
    """The sum of a column; 0 where there are no rows."""
    return Measure(unit, f"coalesce(sum({column}) FILTER (WHERE {where}), 0)::bigint", comment)


def percentile(comment: str, percent: int, column: str, where: str = "true") -> Measure:
    """A percentile in minutes, between two rows if need be; null where there are no rows."""
    of = f"percentile_cont({percent / 100}) WITHIN GROUP (ORDER BY {column}) FILTER (WHERE {where})"
    return Measure(Unit.MINUTES, f"round(({of})::numeric, 1)", comment)

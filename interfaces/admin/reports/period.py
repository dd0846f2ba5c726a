"""The period of a report, the one before it, and the steps of its charts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from interfaces.http.framework.fields import day
from projections.analysis.metric import Dimension, Metric

USUAL = 30
PRESETS = (7, USUAL, 90, 365)
"""Periods that end today, in days."""
_LONGEST_BY_DAY, _LONGEST_BY_WEEK = 31, 184
_A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class ReportPeriod:
    """`since`, `until`: dates, both included."""

    since: date
    until: date

    @property
    def days(self) -> int:
        return (self.until - self.since).days + 1

    @property
    def before(self) -> "ReportPeriod":
        """The same number of days right before."""
        return ReportPeriod(self.since - self.days * _A_DAY, self.since - _A_DAY)

    def step_of(self, metric: Metric) -> Dimension:
        """What a bar of its chart is: a day, week or month, by the length of the period; a month if it has no other."""
        usual = Dimension.DAY if self.days <= _LONGEST_BY_DAY else Dimension.WEEK
        return usual if self.days <= _LONGEST_BY_WEEK and usual in metric.dimensions else Dimension.MONTH

    def steps(self, step: Dimension) -> Sequence[date]:
        """The first date of each step, in order; that of the first step may lie before the period."""
        dates = (self.since + n * _A_DAY for n in range(self.days))
        return list(dict.fromkeys(_first(each, step) for each in dates))

    @property
    def query(self) -> Mapping[str, str]:
        """The parameters of an operation or of this page."""
        return {"from": self.since.isoformat(), "to": self.until.isoformat()}


def asked_period(query: Mapping[str, str], today: date) -> ReportPeriod:
    """The dates of the query; the usual period for what is no date."""
    usual = ending(today, USUAL)
    return ReportPeriod(_date(query.get("from", ""), usual.since), _date(query.get("to", ""), usual.until))


def ending(today: date, days: int) -> ReportPeriod:
    """A period of so many days, of which today is the last."""
    return ReportPeriod(today - (days - 1) * _A_DAY, today)


def _date(text: str, usual: date) -> date:
    try:
        return day(text)
    except ValueError:
        return usual


def _first(each: date, step: Dimension) -> date:
    if step is Dimension.WEEK:
        return each - each.weekday() * _A_DAY
    return each.replace(day=1) if step is Dimension.MONTH else each

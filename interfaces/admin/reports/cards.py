"""The cards of a report: the figures of each metric, those of the period before, and a chart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from application.reporting import GET_METRIC
from interfaces.admin.operations import Call, run
from interfaces.admin.reports.chart import HEIGHT, WIDTH, bars
from interfaces.admin.reports.metric_words import explanation, label, title
from interfaces.admin.reports.numbers import number, written
from interfaces.admin.reports.period import ReportPeriod
from interfaces.admin.request import PanelRequest
from projections.analysis.metric import Dimension, Metric, Unit
from projections.reporting.figures import FiguresTooSlow

_ADDS_UP = {Unit.COUNT, Unit.MONEY}
Row = Mapping[str, Any]


@dataclass(frozen=True)
class ReportQuestion:
    """`whose`: `organization_id` and `provider_id`, where they are chosen."""

    period: ReportPeriod
    whose: Mapping[str, str]


async def cards(asked: PanelRequest, metrics: Sequence[Metric], question: ReportQuestion) -> Sequence[Row]:
    """A card for each metric. Once one takes too long, those after it are not worked out."""
    found: list[Row] = []
    is_slow = False
    for metric in metrics:
        parts: Sequence[Row] = []
        try:
            parts = [] if is_slow else await _parts(asked, metric, question)
        except FiguresTooSlow:
            is_slow = True
        words = {"title": title(asked.language, metric), "explanation": explanation(asked.language, metric)}
        found.append({"name": metric.name, **words, "parts": parts, "is_slow": is_slow})
    return found


def headline(metric: Metric) -> str:
    """The measure that is drawn: the share, else the median, else the first amount, else the first."""
    units = {name: each.unit for name, each in metric.measures.items()}
    wanted = [*(name for name in ("share", "median") if name in units), *(n for n in units if units[n] is Unit.MONEY)]
    return (wanted or list(units))[0]


async def _parts(asked: PanelRequest, metric: Metric, question: ReportQuestion) -> list[Row]:
    """A part for each currency of a metric with amounts, else one; none if there is nothing to show."""
    period, step = question.period, question.period.step_of(metric)
    now, before = [await _rows(asked, metric, question, each) for each in (period, period.before)]
    drawn = await _rows(asked, metric, question, period, step)
    currencies = sorted({each["dimensions"].get("currency", "") for each in (*now, *before)})
    parts: list[Row] = []
    for currency in currencies:
        mine = [_of(currency, rows) for rows in (now, before)]
        if any(value for row in mine for value in row.values()):
            series = {each["dimensions"][step]: each["measures"] for each in drawn if _is(currency, each)}
            numbers = _numbers(asked, metric, (mine[0], mine[1]), currency)
            parts.append({"currency": currency, **numbers, "chart": _chart(asked, metric, period, series, currency)})
    return parts


async def _rows(
    asked: PanelRequest, metric: Metric, question: ReportQuestion, period: ReportPeriod, by: Dimension | None = None
) -> Sequence[Row]:
    query = {**period.query, **question.whose, "group_by": str(by or "")}
    rows: Sequence[Row] = (await run(asked, Call(GET_METRIC, {"metric": metric.name}, query))).body["rows"]
    return rows


def _is(currency: str, row: Row) -> bool:
    return bool(row["dimensions"].get("currency", "") == currency)


def _of(currency: str, rows: Sequence[Row]) -> Mapping[str, Any]:
    """The measures of a currency; none if it has no row."""
    return next((each["measures"] for each in rows if _is(currency, each)), {})


def _numbers(asked: PanelRequest, metric: Metric, rows: tuple[Row, Row], currency: str) -> Mapping[str, Any]:
    first, found = headline(metric), {}
    for name, measure in metric.measures.items():
        none = 0 if measure.unit in _ADDS_UP else None
        values = rows[0].get(name, none), rows[1].get(name, none)
        told = number(asked.language, measure.unit, values, currency)
        found[name] = {"name": name, "label": label(asked.language, metric, name), **told}
    return {"headline": found[first], "others": [each for name, each in found.items() if name != first]}


def _chart(
    asked: PanelRequest, metric: Metric, period: ReportPeriod, series: Mapping[str, Row], currency: str
) -> Mapping[str, Any]:
    name = headline(metric)
    unit = metric.measures[name].unit
    none = 0 if unit in _ADDS_UP else None
    step = period.step_of(metric)
    steps = period.steps(step)
    values = [series.get(each.isoformat(), {}).get(name, none) for each in steps]
    texts = [written(asked.language, unit, each, currency) for each in values]
    places = [
        {**bar, "value": value, "text": text, "when": _when(asked, each, step)}
        for bar, value, text, each in zip(bars(values), values, texts, steps, strict=True)
    ]
    most = max((each for each in values if each is not None), default=None)
    drawing = {"width": WIDTH, "height": HEIGHT, "bars": places, "most": written(asked.language, unit, most, currency)}
    return {**drawing, "label": label(asked.language, metric, name)}


def _when(asked: PanelRequest, each: date, step: Dimension) -> str:
    return asked.language.month(each) if step is Dimension.MONTH else asked.language.short_day(each)

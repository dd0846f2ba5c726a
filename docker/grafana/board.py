"""What a dashboard is made of: rows of panels, each with a title, a unit, its questions and what the answer means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from grafana_foundation_sdk.builders.common import VizLegendOptions
from grafana_foundation_sdk.builders.dashboard import Dashboard, QueryVariable, Row
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.timeseries import Panel as Timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.variants import Dataquery as Query
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement, VisibilityMode
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, DataSourceRef, VariableRefresh

PROMETHEUS = DataSourceRef(type_val="prometheus", uid="prometheus")
ANALYSIS = DataSourceRef(type_val="grafana-postgresql-datasource", uid="analysis")
"""PostgreSQL as an analyst sees it: the views of schema `analysis`."""


@dataclass(frozen=True)
class Question:
    """`legend`: the name of each line, such as `{{operation}}`. `sql`: whether `expr` asks the views of analysts.

    Their rows have a column `time`; a column `metric` names the line.
    """

    expr: str
    legend: str
    sql: bool = False


@dataclass(frozen=True)
class SqlQuery(Query):
    """A question to PostgreSQL, as Grafana reads it."""

    sql: str
    number: bool
    place: str

    def to_json(self) -> dict[str, object]:
        return {
            "datasource": ANALYSIS,
            "editorMode": "code",
            "format": "table" if self.number else "time_series",
            "rawQuery": True,
            "rawSql": self.sql,
            "refId": self.place,
        }

    def build(self) -> SqlQuery:
        """It is built; the SDK asks."""
        return self


@dataclass(frozen=True)
class Panel:
    """`meaning`: what the panel shows, what it means when it rises, and what to do."""

    title: str
    unit: str
    meaning: str
    questions: Sequence[Question]
    kind: Literal["graph", "number"] = "graph"
    width: int = 8


@dataclass(frozen=True)
class Board:
    """A dashboard. `rows`: panels by the title of their row; `variables`: by label, the metric that has it.

    `choices`: more variables by name, with the SQL that gives `__text` and `__value` of each choice. `since`: from when
    on it shows at first.
    """

    uid: str
    title: str
    meaning: str
    rows: Sequence[tuple[str, Sequence[Panel]]]
    variables: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, str] = field(default_factory=dict)
    since: str = "now-1h"
    refresh: str = "30s"

    @property
    def panels(self) -> Sequence[Panel]:
        return [panel for _, panels in self.rows for panel in panels]


def graph(title: str, unit: str, meaning: str, *questions: tuple[str, str]) -> Panel:
    return Panel(title, unit, meaning, [Question(*each) for each in questions])


def number(title: str, unit: str, meaning: str, expr: str) -> Panel:
    return Panel(title, unit, meaning, [Question(expr, title)], "number", 4)


def rate(metric: str, labels: str = "") -> str:
    """The increase a second of a counter."""
    return f"rate({metric}{{{labels}}}[$__rate_interval])"


def total(metric: str, labels: str = "", by: str = "") -> str:
    """The increase a second of a counter of all processes, for each value of the labels `by`."""
    return f"sum{f' by ({by})' if by else ''} ({rate(metric, labels)})"


def quantile(share: float, metric: str, labels: str = "", by: str = "") -> str:
    """The value of a histogram that a share of the observations stays below."""
    return f"histogram_quantile({share}, {total(f'{metric}_bucket', labels, f'le, {by}' if by else 'le')})"


def written(board: Board) -> str:
    """The JSON that Grafana reads."""
    built = (
        Dashboard(board.title)
        .uid(f"daybook-{board.uid}")
        .description(board.meaning)
        .tags(["daybook"])
        .readonly()
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .time(board.since, "now")
        .refresh(board.refresh)
    )
    for label, metric in board.variables.items():
        built.with_variable(_choice(label, f"label_values({metric}, {label})", PROMETHEUS))
    for name, sql in board.choices.items():
        built.with_variable(_choice(name, sql, ANALYSIS))
    ids = iter(range(1, 1000))
    for title, panels in board.rows:
        built.with_row(Row(title).id(next(ids)))
        for panel in panels:
            built.with_panel(_built(panel).id(next(ids)))
    return f"{JSONEncoder(sort_keys=True, indent=2).encode(built.build())}\n"


def _choice(name: str, query: str, source: DataSourceRef) -> QueryVariable:
    """A variable: some values, or all."""
    return (
        QueryVariable(name)
        .datasource(source)
        .query(query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(multi=True)
        .include_all(include_all=True)
        .all_value(".*")
    )


def _built(panel: Panel) -> Stat | Timeseries:
    shown: Stat | Timeseries = _lines()
    if panel.kind == "number":
        shown = Stat().height(4)
        if panel.unit == "short":  # a number of things, though the increase of a counter is estimated
            shown.decimals(0)
    source = ANALYSIS if panel.questions[0].sql else PROMETHEUS
    shown.title(panel.title).description(panel.meaning).unit(panel.unit).span(panel.width).datasource(source)
    for place, question in enumerate(panel.questions):
        shown.with_target(_target(question, chr(ord("A") + place), number=panel.kind == "number"))
    return shown


def _target(question: Question, place: str, *, number: bool) -> Dataquery | SqlQuery:
    if question.sql:
        return SqlQuery(question.expr, number, place)
    return Dataquery().expr(question.expr).legend_format(question.legend).ref_id(place).datasource(PROMETHEUS).range()


def _lines() -> Timeseries:
    legend = (
        VizLegendOptions()
        .show_legend(show_legend=True)
        .display_mode(LegendDisplayMode.LIST)
        .placement(LegendPlacement.BOTTOM)
    )
    return Timeseries().height(8).legend(legend).show_points(VisibilityMode.NEVER).fill_opacity(8).min(0)

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
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement, VisibilityMode
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, DataSourceRef, VariableRefresh

PROMETHEUS = DataSourceRef(type_val="prometheus", uid="prometheus")


@dataclass(frozen=True)
class Question:
    """`legend`: the name of each line, such as `{{operation}}`."""

    expr: str
    legend: str


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
    """A dashboard. `rows`: panels by the title of their row; `variables`: by label, the metric that has it."""

    uid: str
    title: str
    meaning: str
    rows: Sequence[tuple[str, Sequence[Panel]]]
    variables: Mapping[str, str] = field(default_factory=dict)

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
        .time("now-1h", "now")
        .refresh("30s")
    )
    for label, metric in board.variables.items():
        built.with_variable(_choice(label, metric))
    ids = iter(range(1, 1000))
    for title, panels in board.rows:
        built.with_row(Row(title).id(next(ids)))
        for panel in panels:
            built.with_panel(_built(panel).id(next(ids)))
    return f"{JSONEncoder(sort_keys=True, indent=2).encode(built.build())}\n"


def _choice(label: str, metric: str) -> QueryVariable:
    """A variable: some values of a label, or all."""
    return (
        QueryVariable(label)
        .datasource(PROMETHEUS)
        .query(f"label_values({metric}, {label})")
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
    shown.title(panel.title).description(panel.meaning).unit(panel.unit).span(panel.width).datasource(PROMETHEUS)
    for place, question in enumerate(panel.questions):
        shown.with_target(
            Dataquery()
            .expr(question.expr)
            .legend_format(question.legend)
            .ref_id(chr(ord("A") + place))
            .datasource(PROMETHEUS)
            .range()
        )
    return shown


def _lines() -> Timeseries:
    legend = (
        VizLegendOptions()
        .show_legend(show_legend=True)
        .display_mode(LegendDisplayMode.LIST)
        .placement(LegendPlacement.BOTTOM)
    )
    return Timeseries().height(8).legend(legend).show_points(VisibilityMode.NEVER).fill_opacity(8).min(0)

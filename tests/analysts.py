"""The made parts of docs/analysts.md: the metrics, the views with their columns, and the questions' SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from projections.analysis.metric import Metric
from projections.analysis.metrics import METRICS
from projections.analysis.view import AnalysisView
from projections.analysis.views import VIEWS

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/analysts.md"
_QUESTION = re.compile(r"^### \d+\. (?P<title>.+?)$.*?^```sql\n(?P<sql>.+?)^```$", re.MULTILINE | re.DOTALL)


def page(text: str) -> str:
    """The page with its made parts replaced."""
    for name, made in (("metrics", _metrics()), ("views", _views())):
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = f"{before}{begin}{made}\n{end}{after}"
    return text


def questions() -> Mapping[str, str]:
    """Title -> SQL of the questions that the page answers."""
    return {found["title"]: found["sql"] for found in _QUESTION.finditer(PAGE.read_text(encoding="utf-8"))}


def _metrics() -> str:
    return "\n\n".join(_metric(each) for each in METRICS.values())


def _metric(metric: Metric) -> str:
    by = ", ".join(metric.dimensions)
    always = f" Always by {', '.join(metric.always)}." if metric.always else ""
    head = f"### {metric.title}\n\n`{metric.name}`. {metric.explanation} By {by}.{always}\n"
    rows = [f"| `{name}` | {each.unit} | {each.comment} |" for name, each in metric.measures.items()]
    return "\n".join([head, "| measure | unit | meaning |", "|---|---|---|", *rows])


def _views() -> str:
    return "\n\n".join("\n".join(_view(each)) for each in VIEWS)


def _view(view: AnalysisView) -> Iterator[str]:
    yield f"### analysis.{view.name}\n\n{view.grain}\n"
    yield "| column | meaning |"
    yield "|---|---|"
    for name, column in view.columns.items():
        yield f"| `{name}` | {column.comment} |"

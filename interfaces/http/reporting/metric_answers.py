"""Metrics and their figures as they are answered: JSON, and CSV (RFC 4180)."""

import csv
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

from pydantic_core import to_json

from domain.log_position import position_text
from projections.analysis.metric import Metric
from projections.reporting.figures import Figures, Row, is_suppressed
from projections.reporting.question import MetricQuestion

CSV = b"text/csv; charset=utf-8; header=present"
CSV_EXAMPLE = "month,visits,no_shows,share,suppressed\r\n2030-01-01,190,10,0.05,false\r\n2030-02-01,,,,true\r\n"


def described(metric: Metric) -> Mapping[str, Any]:
    """A metric in the dictionary."""
    measures = [{"name": name, "unit": each.unit, "meaning": each.comment} for name, each in metric.measures.items()]
    said = {"name": metric.name, "title": metric.title, "explanation": metric.explanation}
    return {**said, "dimensions": metric.dimensions, "counts_customers": metric.has_customers, "measures": measures}


def json_of(asked: MetricQuestion, found: Figures) -> bytes:
    period = {"from": asked.since, "to": asked.until}
    rows = [
        {
            "dimensions": {name: row[name] for name in asked.labels},
            "measures": _measures(asked, row),
            "suppressed": is_suppressed(row),
        }
        for row in found.rows
    ]
    question = {"metric": asked.metric, **period, "group_by": asked.by}
    return to_json({**question, "rows": rows, "position": position_text(found.position)})


def csv_of(asked: MetricQuestion, found: Figures) -> bytes:
    """A column for each dimension and measure; empty where there is no value."""
    text = StringIO()
    lines = csv.writer(text)
    lines.writerow([*asked.labels, *asked.of.measures, "suppressed"])
    for row in found.rows:
        shown = str(is_suppressed(row)).lower()
        lines.writerow([*(row[name] for name in asked.labels), *_measures(asked, row).values(), shown])
    return text.getvalue().encode()


def _measures(asked: MetricQuestion, row: Row) -> Mapping[str, Any]:
    """None for all of them in a row that could tell of single customers."""
    names: Sequence[str] = [*asked.of.measures]
    return dict.fromkeys(names) if is_suppressed(row) else {name: row[name] for name in names}

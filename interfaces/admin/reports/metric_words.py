"""Titles and labels of metrics in the person's language. English ones are the metric's own.

A metric that another language has no words for yet is shown in English.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from interfaces.admin.wording import FOLDER, Language
from projections.analysis.metric import Metric

TRANSLATIONS: Mapping[str, Mapping[str, Any]] = {
    "ru": json.loads((FOLDER / "metrics.ru.json").read_text(encoding="utf-8")),
}
"""Language -> metric -> `title`, `explanation`, and `measures`: name -> label."""
_PERCENTILE = re.compile(r"P(\d+)")


def title(language: Language, metric: Metric) -> str:
    return str(_translated(language, metric).get("title", metric.title))


def explanation(language: Language, metric: Metric) -> str:
    return str(_translated(language, metric).get("explanation", metric.explanation))


def label(language: Language, metric: Metric, measure: str) -> str:
    """The name of a measure. The unit stands with the number, and is left out."""
    plain = measure.removesuffix("_minutes").replace("_", " ").capitalize()
    plain = _PERCENTILE.sub(r"\1th percentile", plain)
    return str(_translated(language, metric).get("measures", {}).get(measure, plain))


def _translated(language: Language, metric: Metric) -> Mapping[str, Any]:
    found: Mapping[str, Any] = TRANSLATIONS.get(language.name, {}).get(metric.name, {})
    return found

"""All metrics: each module of this package says its own as METRICS."""

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules

from projections.analysis.metric import Metric

METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for module in sorted(each.name for each in iter_modules(__path__))
    for metric in import_module(f"{__name__}.{module}").METRICS
}
"""By name."""

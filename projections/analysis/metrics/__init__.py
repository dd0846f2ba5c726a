"""All metrics: each module of this package says its own as METRICS."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from pkgutil import iter_modules

from projections.analysis.metric import Metric

GROUPS: Mapping[str, Sequence[Metric]] = {
    module: import_module(f"{__name__}.{module}").METRICS
    for module in sorted(each.name for each in iter_modules(__path__))
}
"""By the name of their module."""
METRICS: Mapping[str, Metric] = {metric.name: metric for metrics in GROUPS.values() for metric in metrics}
"""By name."""

"""A question for the figures of a metric, as far as a caller may ask it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from projections.analysis.metric import Dimension, Metric
from projections.analysis.metrics import METRICS

MOST_DAYS = 366
MOST_ROWS = 5000


@dataclass(frozen=True)
class MetricQuestion:
    """`since`, `until`: dates, both included. `organizations`, `providers`: whose figures count; None: all.

    `customers`: whether the answer also says how many customers each row is about.
    """

    metric: str
    since: date
    until: date
    by: tuple[Dimension, ...] = ()
    organizations: frozenset[UUID] | None = None
    providers: frozenset[UUID] | None = None
    customers: bool = False

    @property
    def of(self) -> Metric:
        return METRICS[self.metric]

    @property
    def statement(self) -> str:
        """SELECT with the parameters `values`; of too many rows, one more than there may be."""
        return f"{self.of.statement(self.by, among=[*self._among], customers=self._counts)} LIMIT {MOST_ROWS + 1}"

    @property
    def values(self) -> Mapping[str, Any]:
        among = {name: sorted(ids) for name, ids in self._among.items()}
        return {"since": self.since, "until": self.until, **among}

    @property
    def labels(self) -> Sequence[str]:
        """The columns that tell rows apart."""
        return [*map(str, self.by), *self.of.always]

    @property
    def _counts(self) -> bool:
        return self.customers and self.of.has_customers

    @property
    def _among(self) -> Mapping[str, frozenset[UUID]]:
        columns = {"organization_id": self.organizations, "provider_id": self.providers}
        return {name: ids for name, ids in columns.items() if ids is not None}

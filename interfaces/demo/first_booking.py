"""A first booking to try in the demo town. Light: who only shows it does not load the town."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID


@dataclass(frozen=True)
class FirstBooking:
    """Provider, service and caller. `start` is free; None if none is within two weeks."""

    provider_id: UUID
    service_id: UUID
    start: datetime | None
    customer_id: UUID
    owner_id: UUID
    admin_id: UUID

    def written(self) -> dict[str, str | None]:
        """As JSON carries it."""
        return {name: None if value is None else str(value) for name, value in asdict(self).items()}

    @classmethod
    def read(cls, written: Mapping[str, Any] | None) -> Self | None:
        """The one that was written; None for none."""
        if written is None:
            return None
        ids = {name: UUID(value) for name, value in written.items() if name != "start"}
        start = written["start"]
        return cls(**ids, start=start and datetime.fromisoformat(start))

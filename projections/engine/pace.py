"""The pace of the projector: a page for a few events costs nearly as much as one for many."""

from collections.abc import Iterable, Mapping
from time import monotonic

from projections.engine.apply import Checkpoint
from projections.engine.event_feed import PAGE
from projections.engine.projection import Projection

LONGEST_REST = 0.02  # seconds between two rounds of pages, at most: what is written meanwhile is read together


class Pace:
    """Which projections read on now: all but those whose `interval` since their last page has not passed.

    A projection that is a whole page behind the others does not wait.
    """

    def __init__(self, projections: Mapping[str, Projection]) -> None:
        self._intervals = {name: each.interval for name, each in projections.items() if each.interval}
        self._due_at: dict[str, float] = {}

    def due(self, running: Mapping[str, Checkpoint]) -> Mapping[str, Checkpoint]:
        """Those of the running projections that read on now."""
        now, front = monotonic(), _front(running)
        return {
            name: each
            for name, each in running.items()
            if now >= self._due_at.get(name, now) or front - each.position >= PAGE
        }

    def note_page(self, names: Iterable[str], events: int) -> None:
        """These projections have read a page of so many events; after a full one they go on at once."""
        if events < PAGE:
            now = monotonic()
            self._due_at.update({name: now + self._intervals[name] for name in names if name in self._intervals})

    def pause(self, running: Mapping[str, Checkpoint]) -> float | None:
        """Seconds until a projection that is behind the others reads on; None if none is."""
        front = _front(running)
        behind = [at for name, at in self._due_at.items() if name in running and running[name].position < front]
        return max(0.0, min(behind) - monotonic()) if behind else None


def _front(running: Mapping[str, Checkpoint]) -> int:
    return max((each.position for each in running.values()), default=0)

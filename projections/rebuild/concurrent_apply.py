"""A page of events for many projections, a few at a time: PostgreSQL writes for one while another is worked out."""

from collections import deque
from collections.abc import Mapping, Sequence
from time import perf_counter

from sqlalchemy.ext.asyncio import AsyncEngine

from projections.engine.apply import Checkpoint, apply
from projections.engine.cancellation import run_together
from projections.engine.projection import Projection, RecordedEvent

AT_ONCE = 3  # projections: more keep no processor busier


class ConcurrentApply:
    """Gives each projection its page in a transaction of its own, those first that took longest the last time."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._took: dict[str, float] = {}

    async def apply(
        self, generation: int, projections: Sequence[Projection], since: int, events: Sequence[RecordedEvent]
    ) -> Mapping[str, Checkpoint]:
        """Like `projections.engine.apply.apply`, but when one fails, the others may have been committed."""
        waiting = deque(sorted(projections, key=lambda each: self._took.get(each.name, 0.0), reverse=True))
        reached: dict[str, Checkpoint] = {}

        async def work() -> None:
            while waiting:
                projection, began = waiting.popleft(), perf_counter()
                async with self._engine.begin() as connection:
                    reached.update(await apply(connection, generation, [projection], since, events, live=False))
                self._took[projection.name] = perf_counter() - began

        try:
            await run_together(*(work() for _ in range(AT_ONCE)))
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None
        return {each.name: reached[each.name] for each in projections}

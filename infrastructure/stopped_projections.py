"""Resuming projections that stopped at an event that they could not process."""

from infrastructure.database.row_pool import RowPool
from projections.engine.states import RESUME


class StoppedProjections:
    """Their checkpoints, which the application's role may change through the view `read.checkpoint`."""

    def __init__(self, rows: RowPool) -> None:
        self._rows = rows

    async def resume(self, name: str) -> bool:
        return bool(await self._rows.all(RESUME, [[name]]))

"""How reliably a customer comes: facts of the card that no operation answers."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from interfaces.admin.operations import context_of
from interfaces.admin.request import PanelRequest
from projections.search import attendance


async def attendance_of(asked: PanelRequest, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """No-shows and late cancellations, of the appointments that the person may see. 0 is not shown."""
    request = context_of(asked, "list_appointments")
    async with request.snapshot("agenda") as read:
        found = await attendance.attendance_of(read, UUID(row["id"]), owner=request.owner)
    return {name: count or None for name, count in found._asdict().items()}

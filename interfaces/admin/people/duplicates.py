"""The records that may be of the same person as a guest, to merge it into."""

from collections.abc import Mapping
from typing import Any

from interfaces.admin.operations import Call, run
from interfaces.admin.request import PanelRequest


async def duplicates_of(asked: PanelRequest, row: Mapping[str, Any]) -> Mapping[str, str]:
    """By id: the name, and how the person is reached."""
    call = Call("list_customer_duplicates", {"customer_id": str(row["id"])}, after=asked.query.get("after", ""))
    found = (await run(asked, call)).body["items"]
    return {each["id"]: ", ".join(filter(None, (each["name"], each["email"], each["phone"]))) for each in found}

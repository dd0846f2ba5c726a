"""Calendar entries outlive a new domain: the host in their ids is fixed once."""

from infrastructure.database.row_pool import RowPool
from infrastructure.mail.calendar_host import calendar_host


async def test_the_host_of_calendar_entries_is_fixed_once(database) -> None:
    async with RowPool(database.application) as rows:
        assert await calendar_host(rows, "https://first.example:8443/booking") == "first.example"
        assert await calendar_host(rows, "https://second.example") == "first.example"

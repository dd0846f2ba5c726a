"""The host in the ids of calendar entries: fixed once for an installation, so that entries outlive a new domain."""

from urllib.parse import urlsplit

from infrastructure.database.row_pool import RowPool

_FIX = "INSERT INTO work.installation (name, value) VALUES ('calendar_host', %s) ON CONFLICT (name) DO NOTHING"
_FIXED = "SELECT value FROM work.installation WHERE name = 'calendar_host'"


async def calendar_host(rows: RowPool, public_url: str) -> str:
    """The host that this installation has used from the first: that of its public address at that time."""
    await rows.all(_FIX, [host_of(public_url)])
    ((host,),) = await rows.all(_FIXED, [])
    return str(host)


def host_of(public_url: str) -> str:
    return urlsplit(public_url).hostname or "daybook"

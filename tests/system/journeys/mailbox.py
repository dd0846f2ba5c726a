"""What Daybook has mailed to people, read from the pages of the mailbox."""

import re

import httpx

from tests.support.instances import eventually

TOKEN = re.compile(r"^[A-Za-z0-9_-]{43}$", re.MULTILINE)


async def subjects(web: httpx.AsyncClient, to: str) -> list[str]:
    """The subjects of all mails to somebody, the newest first."""
    return [subject for _, subject in await _listed(web, to)]


async def _listed(web: httpx.AsyncClient, to: str) -> list[tuple[str, str]]:
    """Link and subject of each mail to somebody."""
    page = await web.get("/dev/mailbox", params={"to": to})
    return re.findall(r'<li><a href="(/dev/mailbox/[0-9a-f-]+)">([^<]*)</a>', page.text)


async def mailed(web: httpx.AsyncClient, to: str) -> str:
    """The code in the newest mail to somebody, once there is one."""
    found: list[str] = []

    async def arrived() -> bool:
        found[:] = [link for link, _ in await _listed(web, to)]
        return bool(found)

    await eventually(arrived)
    token = TOKEN.search((await web.get(found[0])).text)
    assert token is not None
    return token[0]

"""What Daybook has mailed to people, read from the pages of the mailbox."""

import re

import httpx

from tests.support.instances import eventually

TOKEN = re.compile(r"^[A-Za-z0-9_-]{43}$", re.MULTILINE)


async def subjects(web: httpx.AsyncClient, to: str) -> list[str]:
    """The subjects of all mails to somebody, the newest first."""
    line = re.compile(rf'<a href="/dev/mailbox/[0-9a-f-]+">([^<]*)</a> to {re.escape(to)}')
    return line.findall((await web.get("/dev/mailbox")).text)


async def mailed(web: httpx.AsyncClient, to: str) -> str:
    """The code in the newest mail to somebody, once there is one."""
    line = re.compile(rf'<a href="(/dev/mailbox/[0-9a-f-]+)">[^<]*</a> to {re.escape(to)}')
    found: list[str] = []

    async def arrived() -> bool:
        found[:] = line.findall((await web.get("/dev/mailbox")).text)
        return bool(found)

    await eventually(arrived)
    token = TOKEN.search((await web.get(found[0])).text)
    assert token is not None
    return token[0]

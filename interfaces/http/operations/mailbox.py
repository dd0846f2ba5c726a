"""The mailbox of DEV: mails that were not sent. Not a part of the API."""

import asyncio
import email
import re
from email.message import EmailMessage
from email.policy import default
from html import escape
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.errors import NotFound
from interfaces.http.framework.responses import HttpResponse

MOST = 200
HTML = b"text/html; charset=utf-8"
_NAME = re.compile(r"[0-9a-f-]{36}")


def mailbox_routes(folder: Path) -> list[Route]:
    """A list, the newest first, and each mail as plain text."""

    async def list_all(_: Request) -> Response:
        return _page("Mailbox", await asyncio.to_thread(_list, folder))

    async def show(request: Request) -> Response:
        name: str = request.path_params["name"]
        message = await asyncio.to_thread(_read, folder / f"{name}.eml") if _NAME.fullmatch(name) else None
        if message is None:
            raise NotFound("mail", name[:64])
        return _page(str(message["Subject"]), _mail(message))

    return [
        Route("/dev/mailbox", list_all, include_in_schema=False),
        Route("/dev/mailbox/{name}", show, include_in_schema=False),
    ]


def _list(folder: Path) -> str:
    newest = sorted(folder.glob("*.eml"), key=_written, reverse=True)[:MOST]
    lines = [_line(file.stem, message) for file in newest if (message := _read(file)) is not None]
    return "<ul>\n" + "\n".join(lines) + "\n</ul>" if lines else "<p>No mail yet.</p>"


def _line(name: str, message: EmailMessage) -> str:
    to, subject = escape(str(message["To"])), escape(str(message["Subject"]))
    return f'<li><a href="/dev/mailbox/{escape(name)}">{subject}</a> to {to}</li>'


def _mail(message: EmailMessage) -> str:
    text = message.get_body(("plain",))
    body = text.get_content().replace("\r\n", "\n") if text is not None else ""
    back = '<p><a href="/dev/mailbox">Mailbox</a></p>'
    return f"{back}\n<p>To {escape(str(message['To']))}</p>\n<pre>{escape(body)}</pre>"


def _written(file: Path) -> float:
    """When the file was written, 0 if it is gone. Its name is no help: a notice is named after its job."""
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _read(file: Path) -> EmailMessage | None:
    """None if it is gone."""
    try:
        return email.message_from_bytes(file.read_bytes(), EmailMessage, policy=default)
    except FileNotFoundError:
        return None


def _page(title: str, body: str) -> HttpResponse:
    page = (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        "</head>\n"
        f"<body>\n<h1>{escape(title)}</h1>\n{body}\n</body></html>\n"
    )
    return HttpResponse(200, page.encode(), media_type=HTML)

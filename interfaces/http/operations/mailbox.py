"""The mailbox of DEV: mails that were not sent. Not a part of the API."""

import asyncio
import email
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default
from functools import cached_property
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.errors import NotFound
from interfaces.http.framework.responses import HttpResponse
from interfaces.http.operations.mailbox_page import list_page, mail_page

MOST = 200
HTML = b"text/html; charset=utf-8"
_NAME = re.compile(r"[0-9a-f-]{36}")
_REST = b"base-uri 'none'; frame-ancestors "
_PAGE = b"default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; form-action 'self'; " + _REST + b"'none'"
# The HTML of a mail: styles alone, no script, nothing from elsewhere; its links open pages of their own.
_FRAME = (
    b"default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; "
    b"sandbox allow-popups allow-popups-to-escape-sandbox; " + _REST + b"'self'"
)


@dataclass(frozen=True)
class MailFile:
    """A mail in the folder, as the pages show it."""

    name: str
    written: float
    source: bytes

    @cached_property
    def message(self) -> EmailMessage:
        return email.message_from_bytes(self.source, EmailMessage, policy=default)

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def to(self) -> str:
        return str(self.message["To"])

    @property
    def kind(self) -> str:
        return str(self.message["X-Daybook-Kind"] or "unknown kind")

    @property
    def at(self) -> str:
        return f"{datetime.fromtimestamp(self.written, UTC):%Y-%m-%d %H:%M:%S} UTC"

    @property
    def text(self) -> str:
        return self._body("plain").replace("\r\n", "\n")

    @property
    def has_html(self) -> bool:
        return self.message.get_body(("html",)) is not None

    @property
    def html(self) -> str:
        return self._body("html").replace("<head>", '<head><base target="_blank">', 1)

    @property
    def headers(self) -> list[tuple[str, str]]:
        return [(name, str(value)) for name, value in self.message.items()]

    @property
    def files(self) -> list[str]:
        return [part.get_filename() or "file" for part in self.message.iter_attachments()]

    def file(self, number: int) -> EmailMessage:
        """An attachment; raises NotFound."""
        parts = list(self.message.iter_attachments())
        if not 0 <= number < len(parts):
            raise NotFound("file", str(number))
        return parts[number]

    def _body(self, subtype: str) -> str:
        part = self.message.get_body((subtype,))
        return str(part.get_content()) if part is not None else ""


def mailbox_routes(folder: Path) -> list[Route]:
    """A list, the newest first; each mail as text and HTML, with its headers, attachments and source."""
    pages = _MailboxPages(folder)
    mail = {"": pages.show, "/html": pages.html, "/source": pages.source, "/files/{number:int}": pages.file}
    routes = {"": pages.list_all, **{f"/{{name}}{path}": endpoint for path, endpoint in mail.items()}}
    return [Route(f"/dev/mailbox{path}", endpoint, include_in_schema=False) for path, endpoint in routes.items()]


class _MailboxPages:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def list_all(self, request: Request) -> Response:
        to = request.query_params.get("to", "")
        return _html(list_page(await asyncio.to_thread(_list, self._folder, to), to))

    async def show(self, request: Request) -> Response:
        return _html(mail_page(await self._mail(request)))

    async def html(self, request: Request) -> Response:
        return _html((await self._mail(request)).html, _FRAME)

    async def source(self, request: Request) -> Response:
        found = await self._mail(request)
        return _download(found.source, f"{found.name}.eml", "message/rfc822")

    async def file(self, request: Request) -> Response:
        part = (await self._mail(request)).file(request.path_params["number"])
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        if (part.get_filename() or "").endswith(".ics"):
            return _download(content, "invite.ics", "text/calendar")
        return _download(content, "file", "application/octet-stream")

    async def _mail(self, request: Request) -> MailFile:
        name: str = request.path_params["name"]
        found = await asyncio.to_thread(_read, self._folder / f"{name}.eml") if _NAME.fullmatch(name) else None
        if found is None:
            raise NotFound("mail", name[:64])
        return found


def _list(folder: Path, to: str) -> list[MailFile]:
    newest = sorted(folder.glob("*.eml"), key=_written, reverse=True)
    found: list[MailFile] = []
    for path in newest:
        mail = _read(path)
        if mail is not None and to.casefold() in mail.to.casefold():
            found.append(mail)
        if len(found) == MOST:
            break
    return found


def _written(file: Path) -> float:
    """When the file was written, 0 if it is gone. Its name is no help: a notice is named after its job."""
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _read(file: Path) -> MailFile | None:
    """None if it is gone."""
    try:
        return MailFile(file.stem, _written(file), file.read_bytes())
    except FileNotFoundError:
        return None


def _html(page: str, policy: bytes = _PAGE) -> HttpResponse:
    return HttpResponse(200, page.encode(), {b"content-security-policy": policy}, media_type=HTML)


def _download(content: bytes, name: str, media_type: str) -> HttpResponse:
    """A file under a name of ours: that of a mail is a stranger's."""
    headers = {b"content-disposition": f'attachment; filename="{name}"'.encode()}
    return HttpResponse(200, content, headers, media_type=media_type.encode())

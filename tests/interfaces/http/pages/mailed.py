"""Mails of a town, and a browser without script that follows their links."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode, urlsplit
from uuid import UUID

import httpx

from application.access import Caller, LinkPurpose
from application.notifications.invitation_mail import InvitationServices, invitation_handlers
from application.notifications.links import LASTING
from application.notifications.notice_jobs import NoticeServices, notice_handlers
from application.notifications.waitlist_notice import waitlist_notice_handlers
from infrastructure.jobs.enqueuing import JobEnqueuer
from infrastructure.jobs.walker import JobWalker
from infrastructure.mail.email_channel import EmailChannel
from infrastructure.mail.mailer import MailboxSender, MailService
from tests.infrastructure.mail.gallery import LETTERS, LINKS
from tests.interfaces.http.accounts import text_of
from tests.interfaces.http.sign_in import FORM
from tests.interfaces.http.town import Api, Town

LINK = re.compile(r"https://daybook\.test(/\S+)")


@dataclass
class PageForm:
    """A form as a browser sends it."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[dict[str, str]] = field(default_factory=list)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[PageForm] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(PageForm(told["action"], told["method"]))
        elif tag in {"input", "textarea"}:
            self.found[-1].fields[told["name"]] = told.get("value", "")
        elif tag == "button":
            self.found[-1].buttons.append(told)
        elif tag == "a":
            self.links.append(told["href"])


def forms(page: httpx.Response) -> list[PageForm]:
    """The forms of a page."""
    parser = _Forms()
    parser.feed(page.text)
    return parser.found


def hrefs(page: httpx.Response) -> list[str]:
    """The addresses that a page links."""
    parser = _Forms()
    parser.feed(page.text)
    return parser.links


def actions(page: httpx.Response) -> list[str]:
    """The last words of the actions that a page offers."""
    return [each.action.rpartition("/")[2] for each in forms(page)]


async def press(api: Api, page: httpx.Response, action: str, **fields: str) -> httpx.Response:
    """Press the button of the form whose action ends so."""
    (form,) = [each for each in forms(page) if each.action.endswith(action)]
    return await send(api, form.action, form.fields | fields)


async def send(api: Api, path: str, fields: Mapping[str, str]) -> httpx.Response:
    return await api.ask("POST", path, said=urlencode(fields).encode(), content_type=FORM)


async def mailed_links(api: Api) -> list[str]:
    """The links of all mails, the newest mail last; what has been asked is done before."""
    people = api.people
    post = MailService(LETTERS, MailboxSender(people.mailbox), people.rows, people.store.keyring)
    enqueuer = JobEnqueuer(people.rows, people.store.keyring)
    services = NoticeServices(people.store, channels=[EmailChannel(LETTERS, post, LINKS)], jobs=enqueuer)
    invitations = invitation_handlers(InvitationServices(people.store, post, LINKS))
    notices = JobWalker(people.jobs, {**notice_handlers(services), **waitlist_notice_handlers(services), **invitations})
    await people.work()
    while sum((await people.jobs.due(notices.kinds, 1)).values()):
        await notices.walk(lasting=5)
        await notices.finish()
    return [link for mail in await people.mails() for link in LINK.findall(text_of(mail))]


async def language_of(api: Api, by: Caller, language: str) -> None:
    answer = await api.patch("/v1/me", {"language": language}, by, if_match="*")
    assert answer.status_code == 200, answer.text


async def a_guest(town: Town, email: str = "guest@example.org", by: Caller | None = None) -> str:
    said = {"name": "Gus <b>Guest</b>", "email": email}
    made = await town.api.post("/v1/customers", said, by or town.owner)
    assert made.status_code == 201, made.text
    id: str = made.json()["id"]
    return id


def a_link(town: Town, purpose: LinkPurpose, subject: str, email: str, lang: str = "en") -> str:
    """A link as mails have it, without its host."""
    until = town.api.ports.store.now() + LASTING
    parts = urlsplit(LINKS.signed(purpose, UUID(subject), email, until, lang))
    return f"{parts.path}?{parts.query}"

"""The page that stops optional mails, also by one click in a mail program (RFC 8058)."""

from collections.abc import Sequence

from starlette.routing import BaseRoute

from application.access import LinkPurpose
from application.notifications.link_holder import LinkHolder
from application.notifications.optional_mails import SetOptionalMails, set_optional_mails
from interfaces.http.pages.page import PageRequest, PageView, page

PATH = "/mails/{id:uuid}"


async def show(asked: PageRequest) -> PageView:
    holder = await asked.holder(LinkPurpose.MAILS)
    asked.may(holder, "change_me")
    return _view(asked, holder, wanted=holder.recipient.optional_mails)


async def switch(asked: PageRequest) -> PageView:
    """Stop them, unless the form says that they are wanted. Twice is once: it sets a state."""
    holder = await asked.holder(LinkPurpose.MAILS)
    wanted = asked.form.get("wanted") == "1"
    common = asked.command(holder, "change_me") | {"key": None, "version": None}
    await set_optional_mails(SetOptionalMails(**common, customer_id=asked.subject, wanted=wanted), asked.ports.store)
    return _view(asked, holder, wanted=wanted, done="started" if wanted else "stopped")


ROUTES: Sequence[BaseRoute] = (page("GET", PATH, show), page("POST", PATH, switch))


def _view(asked: PageRequest, holder: LinkHolder, *, wanted: bool, done: str = "") -> PageView:
    fields = {"id": asked.subject, "page": asked.link_fields(0), "wanted": wanted}
    return PageView("mails", fields, done=done, locale=holder.recipient.language)

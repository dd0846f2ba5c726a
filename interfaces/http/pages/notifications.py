"""The page that stops one kind of mails to staff, also by one click in a mail program (RFC 8058)."""

from collections.abc import Sequence

from starlette.routing import BaseRoute

from application.access import LinkPurpose
from application.notifications.link_holder import LinkHolder
from application.people.contact import ChangeContact, change_contact
from domain.people.account_status import NOTIFICATIONS
from interfaces.http.framework.request_errors import Malformed
from interfaces.http.pages.page import PageRequest, PageView, page

PATH = "/notifications/{id:uuid}"


async def show(asked: PageRequest) -> PageView:
    holder, setting = await asked.holder(LinkPurpose.NOTIFICATIONS), _setting(asked)
    asked.may(holder, "change_me")
    return _view(asked, holder, setting, wanted=setting in holder.recipient.notifications)


async def switch(asked: PageRequest) -> PageView:
    """Stop them, unless the form says that they are wanted. Twice is once: it sets a state."""
    holder, setting = await asked.holder(LinkPurpose.NOTIFICATIONS), _setting(asked)
    wanted = asked.form.get("wanted") == "1"
    common = asked.command(holder, "change_me") | {"key": None, "version": None}
    changed = ChangeContact(**common, contact={"notifications": {setting: wanted}})
    await change_contact(changed, asked.ports.store)
    return _view(asked, holder, setting, wanted=wanted, done="got-again" if wanted else "no-more")


ROUTES: Sequence[BaseRoute] = (page("GET", PATH, show), page("POST", PATH, switch))


def _setting(asked: PageRequest) -> str:
    """The setting of the mail that the link was in."""
    setting = asked.said("setting")
    if setting not in NOTIFICATIONS:
        raise Malformed("Open the link from the mail.")
    return setting


def _view(asked: PageRequest, holder: LinkHolder, setting: str, *, wanted: bool, done: str = "") -> PageView:
    fields = {"id": asked.subject, "page": asked.link_fields(0), "setting": setting, "wanted": wanted}
    return PageView("notifications", fields, done=done, locale=holder.recipient.language)

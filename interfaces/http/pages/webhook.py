"""The page of a paused webhook: its creator resumes it."""

from collections.abc import Sequence

from starlette.routing import BaseRoute

from application.access import LinkPurpose
from application.current_state import current_state
from application.webhooks.subscription import ResumeWebhook, resume_webhook
from domain.errors import NotFound
from domain.webhooks.webhook import Webhook
from interfaces.http.pages.page import PageRequest, PageView, page

PATH = "/webhooks/{id:uuid}"


async def show(asked: PageRequest) -> PageView:
    holder = await asked.holder(LinkPurpose.WEBHOOK)
    asked.may(holder, "get_webhook")
    return await _view(asked)


async def resume(asked: PageRequest) -> PageView:
    holder = await asked.holder(LinkPurpose.WEBHOOK)
    command = ResumeWebhook(**asked.command(holder, "resume_webhook"), webhook_id=asked.subject)
    await resume_webhook(command, asked.ports.store)
    return await _view(asked, "resumed")


ROUTES: Sequence[BaseRoute] = (page("GET", PATH, show), page("POST", PATH + "/resume", resume))


async def _view(asked: PageRequest, done: str = "") -> PageView:
    webhook = await current_state(Webhook, asked.subject, asked.ports.store)
    if webhook is None:
        raise NotFound("webhook", asked.subject)
    fields = {"id": webhook.id, "url": webhook.url, "status": str(webhook.state)}
    return PageView("webhook", {**fields, "page": asked.link_fields(webhook.version)}, done=done)

"""What was mailed to the caller, over HTTP."""

from datetime import UTC, datetime
from typing import Any

from application.access import Caller
from application.notifications.mail import MailMessage
from domain.kernel import derived_id, new_id
from infrastructure.mail.mailer import MailboxSender, MailService
from infrastructure.mail.message_builder import MessageBuilder
from tests.interfaces.http.sign_in import an_account
from tests.interfaces.http.town import Api, pointers, problem
from tests.support.builders import somebody
from tests.support.no_mailer import anyway

SENT = datetime(2030, 1, 24, 9, tzinfo=UTC)


async def mailed(api: Api, to: Caller | None, *names: str) -> None:
    """A letter for each, in turn, as a notice is sent: its id tells no time."""
    letters = MessageBuilder("https://daybook.test", "no-reply@daybook.test")
    postman = MailService(letters, MailboxSender(api.people.mailbox), api.people.rows, api.ports.store.keyring)
    for name in names:
        said = {"name": name}
        id, account = derived_id(name, new_id()), to.account if to else None
        message = MailMessage(id, "password-changed", "grace@example.org", "en", said, account, at=SENT)
        await postman.send(message, anyway)


def names(answer: Any) -> list[str]:
    return [each["text"].split("\n")[0].removeprefix("Hi ").rstrip(",\r") for each in answer.json()["items"]]


class TestMails:
    async def test_anonymous_callers_are_asked_who_they_are(self, door: Api):
        assert problem(await door.get("/v1/me/mails")) == (401, "unauthenticated")

    async def test_everybody_sees_their_own_the_newest_first(self, api: Api):
        me, other = await an_account(api), somebody()
        await mailed(api, me, "One", "Two", "Three")
        await mailed(api, other, "Another")
        await mailed(api, None, "Nobody")
        found = await api.get("/v1/me/mails", me)
        assert names(found) == ["Three", "Two", "One"]
        assert found.headers["cache-control"] == "no-store"
        first = found.json()["items"][0]
        assert (first["kind"], first["to"], first["subject"]) == (
            "password-changed",
            "grace@example.org",
            "Your password was changed",
        )
        assert names(await api.get("/v1/me/mails", other)) == ["Another"]
        assert names(await api.get("/v1/me/mails", somebody())) == []

    async def test_page_by_page(self, api: Api):
        me = await an_account(api)
        await mailed(api, me, *"ABCDE")
        seen, cursor = [], ""
        while cursor is not None:
            part = await api.get(f"/v1/me/mails?limit=2{cursor and '&cursor='}{cursor}", me)
            assert len(names(part)) <= 2
            seen += names(part)
            cursor = part.json()["next"]
        assert seen == [*"EDCBA"]
        assert pointers(await api.get("/v1/me/mails?limit=0", me)) == ["/limit"]
        assert problem(await api.get("/v1/me/mails?cursor=x", me))[0] == 400

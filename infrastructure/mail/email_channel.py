"""E-mail as a channel of notices."""

from urllib.parse import urlsplit

from aiosmtplib import SMTPRecipientsRefused

from application.jobs.job import PermanentFailure
from application.notifications.notice import Notice, NoticeKind
from application.notifications.recipient import Recipient
from application.ports import Mailer, MailMessage
from infrastructure.mail.calendar_invite import invitation
from infrastructure.mail.formatting import locale_of, told
from infrastructure.mail.message_builder import MessageBuilder, address_of

PERMANENT = 500  # codes from here on
PLACES = {NoticeKind.OFFER: "waitlist", NoticeKind.WEBHOOK_DISABLED: "webhooks"}
"""Where links lead that lead to no appointment."""


class EmailChannel:
    """application.notifications.notice.Channel."""

    def __init__(self, letters: MessageBuilder, mail: Mailer, public_url: str) -> None:
        self._letters = letters
        self._mail = mail
        self._public_url = public_url.rstrip("/")
        self._host = urlsplit(public_url).hostname or "daybook"

    def reaches(self, recipient: Recipient) -> bool:
        """See the port."""
        try:
            return recipient.email is not None and bool(address_of(recipient.email))
        except ValueError:
            return False

    async def send(self, notice: Notice, recipient: Recipient) -> None:
        """See the port; raises Hopeless for an address that the server says is none."""
        try:
            await self._mail.send(self.letter(notice, recipient))
        except SMTPRecipientsRefused as refused:
            codes = {each.code for each in refused.recipients}
            if min(codes, default=0) < PERMANENT:
                raise
            raise PermanentFailure(f"The mail server refuses the address ({codes}).") from None  # which is personal

    def letter(self, notice: Notice, recipient: Recipient) -> MailMessage:
        """The letter's id is the notice's, and so is its Message-ID."""
        language = self._letters.language_of(recipient.language, notice.kind)
        link = f"{self._public_url}/{PLACES.get(notice.kind, 'appointments')}/{notice.about}"
        said = {**told(notice, recipient, locale_of(recipient.language, language)), "link": link}
        return MailMessage(
            id=notice.id,
            kind=notice.kind,
            to=recipient.email or "",
            language=language,
            said=said,
            account_id=recipient.account_id,
            invite=invitation(notice, recipient, sender=self._letters.sender, host=self._host, link=link),
        )

"""Notices by e-mail."""

from urllib.parse import urlsplit

from aiosmtplib import SMTPRecipientsRefused

from application.jobs.job import Confirm, PermanentFailure
from application.notifications.mail import Mailer, MailMessage
from application.notifications.notice import Notice, NoticeKind
from application.notifications.recipient import Recipient
from infrastructure.mail.calendar_invite import invitation
from infrastructure.mail.formatting import locale_of, template_fields
from infrastructure.mail.message_builder import MessageBuilder, address_of

PERMANENT = 500  # SMTP reply codes from here on are permanent failures
PLACES = {NoticeKind.OFFER: "waitlist", NoticeKind.WEBHOOK_DISABLED: "webhooks"}
"""Paths of links that lead to another page than the appointment's."""


class EmailChannel:
    """A channel of notices."""

    def __init__(self, messages: MessageBuilder, mailer: Mailer, public_url: str) -> None:
        self._messages = messages
        self._mailer = mailer
        self._public_url = public_url.rstrip("/")
        self._host = urlsplit(public_url).hostname or "daybook"

    def reaches(self, recipient: Recipient) -> bool:
        try:
            return recipient.email is not None and bool(address_of(recipient.email))
        except ValueError:
            return False

    async def send(self, notice: Notice, recipient: Recipient, confirm: Confirm) -> None:
        """Raises PermanentFailure for an address that the mail server refuses."""
        try:
            await self._mailer.send(self.message(notice, recipient), confirm)
        except SMTPRecipientsRefused as refused:
            codes = {each.code for each in refused.recipients}
            if min(codes, default=0) < PERMANENT:
                raise
            # `from None`: the cause holds the address, which is personal.
            raise PermanentFailure(f"The mail server refuses the address ({codes}).") from None

    def message(self, notice: Notice, recipient: Recipient) -> MailMessage:
        """The message's id is the notice's, so a retry has the same Message-ID."""
        language = self._messages.language_of(recipient.language, notice.kind)
        link = f"{self._public_url}/{PLACES.get(notice.kind, 'appointments')}/{notice.about}"
        fields = {**template_fields(notice, recipient, locale_of(recipient.language, language)), "link": link}
        return MailMessage(
            id=notice.id,
            kind=notice.kind,
            to=recipient.email or "",
            language=language,
            said=fields,
            account_id=recipient.account_id,
            invite=invitation(notice, recipient, sender=self._messages.sender, host=self._host, link=link),
        )

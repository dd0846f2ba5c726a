"""Notices by e-mail."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from aiosmtplib import SMTPRecipientsRefused

from application.access import LinkPurpose
from application.jobs.job import PermanentFailure
from application.notifications.links import AFTERWARDS, Links
from application.notifications.mail import Mailer, MailMessage
from application.notifications.notice import Notice, NoticeKind
from application.notifications.recipient import Recipient
from infrastructure.mail.calendar_invite import invitation
from infrastructure.mail.formatting import locale_of, template_fields
from infrastructure.mail.message_builder import MessageBuilder, address_of

PERMANENT = 500  # SMTP reply codes from here on are permanent failures
PURPOSES: Mapping[NoticeKind, LinkPurpose] = {
    NoticeKind.APPROVE: LinkPurpose.STAFF,
    NoticeKind.OFFER: LinkPurpose.OFFER,
    NoticeKind.WEBHOOK_DISABLED: LinkPurpose.WEBHOOK,
}
"""What the links of notices are for that do not lead a customer to an appointment."""


class EmailChannel:
    """A channel of notices."""

    def __init__(self, messages: MessageBuilder, mailer: Mailer, links: Links) -> None:
        self._messages = messages
        self._mailer = mailer
        self._links = links
        self._host = urlsplit(links.public_url).hostname or "daybook"

    def reaches(self, recipient: Recipient) -> bool:
        try:
            return recipient.email is not None and bool(address_of(recipient.email))
        except ValueError:
            return False

    async def send(self, notice: Notice, recipient: Recipient) -> None:
        """Raises PermanentFailure for an address that the mail server refuses."""
        try:
            await self._mailer.send(self.message(notice, recipient))
        except SMTPRecipientsRefused as refused:
            codes = {each.code for each in refused.recipients}
            if min(codes, default=0) < PERMANENT:
                raise
            # `from None`: the cause holds the address, which is personal.
            raise PermanentFailure(f"The mail server refuses the address ({codes}).") from None

    def message(self, notice: Notice, recipient: Recipient) -> MailMessage:
        """The message's id is the notice's, so a retry has the same Message-ID."""
        language = self._messages.language_of(recipient.language, notice.kind)
        link = self._link(notice, recipient, language)
        fields = {**template_fields(notice, recipient, locale_of(recipient.language, language)), "link": link}
        # Calendars are shared with others: their entries name the page, and permit nothing.
        page = self._links.plain(_purpose(notice), notice.about)
        return MailMessage(
            id=notice.id,
            kind=notice.kind,
            to=recipient.email or "",
            language=language,
            said=fields,
            account_id=recipient.account_id,
            invite=invitation(notice, recipient, sender=self._messages.sender, host=self._host, link=page),
        )

    def _link(self, notice: Notice, recipient: Recipient, language: str) -> str:
        """A link that shows the appointment or offer for a while after it has ended."""
        ends = [notice.until, notice.visit.ends_at if notice.visit else None]
        until = max(each for each in ends if each is not None) + AFTERWARDS
        return self._links.signed(_purpose(notice), notice.about, recipient.email or "", until, language)


def _purpose(notice: Notice) -> LinkPurpose:
    return PURPOSES.get(notice.kind, LinkPurpose.APPOINTMENT)

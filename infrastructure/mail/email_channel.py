"""Notices by e-mail."""

from collections.abc import Mapping

from aiosmtplib import SMTPRecipientsRefused

from application.access import LinkPurpose
from application.jobs.job import Confirm, PermanentFailure
from application.notifications.audience import TEAM
from application.notifications.links import AFTERWARDS, LASTING, Links
from application.notifications.mail import CalendarInvite, Mailer, MailMessage
from application.notifications.notice import OPTIONAL, REFUSED, STAFF, TO_STAFF, Notice, NoticeKind
from application.notifications.recipient import Recipient
from infrastructure.mail.calendar_host import host_of
from infrastructure.mail.calendar_invite import CalendarSender, invitation
from infrastructure.mail.formatting import locale_of, template_fields
from infrastructure.mail.message_builder import MessageBuilder, address_of

PERMANENT = 500  # SMTP reply codes from here on are permanent failures
PURPOSES: Mapping[NoticeKind, LinkPurpose] = {
    **dict.fromkeys(TO_STAFF, LinkPurpose.STAFF),
    NoticeKind.OFFER: LinkPurpose.OFFER,
    NoticeKind.WAITLIST_ENDED: LinkPurpose.OFFER,
    NoticeKind.WEBHOOK_DISABLED: LinkPurpose.WEBHOOK,
}
"""What the links of notices are for that do not lead a customer to an appointment."""
TO_CUSTOMERS = frozenset(NoticeKind) - TO_STAFF - {NoticeKind.WEBHOOK_DISABLED}
"""The notices that come from the provider; all others come from Daybook."""


class EmailChannel:
    """A channel of notices."""

    def __init__(self, messages: MessageBuilder, mailer: Mailer, links: Links, calendar_host: str = "") -> None:
        """`calendar_host`: what the ids of calendar entries end with; by default, the host of the public address."""
        self._messages = messages
        self._mailer = mailer
        self._links = links
        self._host = calendar_host or host_of(links.public_url)

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
            raise PermanentFailure(f"{REFUSED} ({codes}).") from None

    def message(self, notice: Notice, recipient: Recipient) -> MailMessage:
        """The message's id and date are the notice's, so a retry has the same."""
        language = self._messages.language_of(recipient.language, notice.kind)
        link = self._link(notice, recipient, language)
        words = self._messages.words(language)
        said = template_fields(notice, recipient, locale_of(recipient.language, language), words)
        return MailMessage(
            id=notice.id,
            kind=notice.kind,
            to=recipient.email or "",
            language=language,
            said={**said, "link": link},
            account_id=recipient.account_id,
            invite=self._invite(notice, recipient, language, said),
            at=notice.at,
            timezone=recipient.timezone,
            provider=said.get("provider", "") if notice.kind in TO_CUSTOMERS else "",
            reply_to=said.get("email", "") if notice.kind in TO_CUSTOMERS else "",
            stop_link=self._stop_link(notice, recipient, language),
        )

    def _stop_link(self, notice: Notice, recipient: Recipient, language: str) -> str:
        """The link that switches off mails which the recipient can do without; empty for all others."""
        person, until = recipient.account_id or recipient.guest_id, notice.at + LASTING
        if notice.kind in TO_STAFF:
            setting = TEAM if notice.facts.get("side") == TEAM else STAFF.get(notice.kind)
            return self._links.stopping(setting, recipient, until, language) if setting else ""
        if notice.kind not in OPTIONAL or person is None:
            return ""
        return self._links.signed(LinkPurpose.MAILS, person, recipient.email or "", until, language)

    def _link(self, notice: Notice, recipient: Recipient, language: str) -> str:
        """A link that shows the appointment or offer for a while after it has ended; empty if it would open nothing."""
        if notice.facts.get("side") == "former":
            return ""
        ends = [notice.until, notice.visit.ends_at if notice.visit else None]
        until = max(each for each in ends if each is not None) + AFTERWARDS
        return self._links.signed(_purpose(notice), notice.about, recipient.email or "", until, language)

    def _invite(
        self, notice: Notice, recipient: Recipient, language: str, said: Mapping[str, str]
    ) -> CalendarInvite | None:
        """The calendar part, which says until when to cancel while that can be done."""
        # Calendars are shared with others: their entries name the page, and permit nothing.
        page = self._links.plain(_purpose(notice), notice.about)
        sender = CalendarSender(self._messages.sender, self._host, page)
        entered = notice.kind in {NoticeKind.BOOKED, NoticeKind.MOVED}
        description = self._messages.cancelling(language, said) if entered else ""
        return invitation(notice, recipient, sender, description)


def _purpose(notice: Notice) -> LinkPurpose:
    return PURPOSES.get(notice.kind, LinkPurpose.APPOINTMENT)

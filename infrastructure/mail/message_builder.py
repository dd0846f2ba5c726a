"""Messages as mail servers take them: the words of a mail in both formats, its headers and its calendar part."""

import contextlib
from collections.abc import Mapping
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from pathlib import Path
from urllib.parse import urlsplit

from application.notifications.links import CODE_PATHS, code_link
from application.notifications.mail import CalendarInvite, MailMessage
from application.notifications.recipient import zone_of
from application.people.email_address import NotDeliverable, in_ascii
from infrastructure.mail.formatting import Formats, line, locale_of
from infrastructure.mail.mail_text import Letterhead, MailTexts

TEMPLATES = Path(__file__).parents[1] / "templates" / "mail"
LANGUAGE = "en"
"""The language of mails to recipients whose own language has no templates."""
LONGEST_NAME = 60  # characters of a provider's name in From


class MessageBuilder:
    """`public_url`: the base of links; `mail_from`: an address, or `Name <address>`. Raises ValueError.

    `sender_name`, `sender_address`: the business that is responsible for mails, and where it is; `support_url`: where
    people get help.
    """

    def __init__(
        self,
        public_url: str,
        mail_from: str,
        folder: Path = TEMPLATES,
        *,
        sender_name: str = "",
        sender_address: str = "",
        support_url: str = "",
    ) -> None:
        self._public_url = public_url.rstrip("/")
        display, address = parseaddr(mail_from)
        self.sender = _sender(address, display)
        self._folder = folder
        name = sender_name or display or self.sender.domain
        sender = ", ".join(filter(None, (name, sender_address)))
        host = urlsplit(public_url).netloc
        self._texts = MailTexts(folder, Letterhead(name=name, sender=sender, support=support_url, host=host))
        self.words = self._texts.words
        self.cancelling = self._texts.cancelling

    def message(self, mail: MailMessage) -> EmailMessage:
        """Plain text and HTML. Raises ValueError for a bad address."""
        language = self.language_of(mail.language, mail.kind)
        formats = Formats(locale_of(mail.language, language), zone_of(mail.timezone), self.words(language))
        rows = [(formats.times(each.starts_at, each.ends_at), each) for each in mail.agenda]
        written = self._texts.write(mail.kind, language, self._said(mail, language, formats), rows)
        message = EmailMessage(policy=SMTP)
        # The library refuses line breaks in a header: no header injection.
        message["From"] = self._from(mail, language)
        message["To"] = address_of(mail.to)
        message["Subject"] = written.subject
        message["Date"] = format_datetime(mail.at)  # a retry has the same date and id
        message["Message-ID"] = f"<{mail.id}@{self.sender.domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message["X-Daybook-Kind"] = mail.kind
        message["X-Auto-Response-Suppress"] = "All"
        _offer_ways(message, mail)
        message.set_content(written.text.strip() + "\n")
        message.add_alternative(written.html, subtype="html")
        if mail.invite is not None:
            _invite(message, mail.invite)
        message["Content-Language"] = language  # last: setting content drops all Content headers
        return message

    def language_of(self, tag: str, kind: str) -> str:
        """The language of the templates for a mail of this kind to a recipient with this language tag."""
        language = tag.partition("-")[0].lower()
        exists = language.isalpha() and (self._folder / language / f"{kind}.jinja").is_file()
        return language if exists else LANGUAGE

    def _said(self, mail: MailMessage, language: str, formats: Formats) -> Mapping[str, str]:
        """The fields of the template: the facts, the moments as text, and the links."""
        moments = {name: formats.moment_and_offset(moment) for name, moment in mail.moments.items()}
        if mail.agenda:
            moments["today"] = formats.local_day(mail.agenda[0].starts_at)
        links = {"stop_link": mail.stop_link}
        if mail.kind in CODE_PATHS and "token" in mail.said:
            links["link"] = code_link(self._public_url, mail.kind, mail.said["token"], language)
        return {**mail.said, **moments, **links}

    def _from(self, mail: MailMessage, language: str) -> Address:
        """The provider by way of the installation, or the installation itself."""
        if not mail.provider:
            return self.sender
        names = {"provider": line(mail.provider)[:LONGEST_NAME], "sender": self.sender.display_name or "Daybook"}
        display = self.words(language)["from_provider"] % names
        return Address(display, self.sender.username, self.sender.domain)


def _offer_ways(message: EmailMessage, mail: MailMessage) -> None:
    """The headers by which a mail program answers the mail, and switches off further ones."""
    with contextlib.suppress(NotDeliverable):
        if mail.reply_to:
            message["Reply-To"] = address_of(mail.reply_to)
    if mail.stop_link:  # one click, without signing in (RFC 8058)
        message["List-Unsubscribe"] = f"<{mail.stop_link}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"


def _invite(message: EmailMessage, invite: CalendarInvite) -> None:
    """Add the invitation twice: as an alternative part for mail clients, as an attachment for other calendars."""
    method = {"method": invite.method}
    message.add_alternative(invite.text, subtype="calendar", params=method, cte="base64")
    message.add_attachment(
        invite.text.encode(), maintype="application", subtype="ics", filename="invite.ics", params=method
    )


def address_of(address: str) -> Address:
    """The recipient as a header value, the domain as A-labels. Raises NotDeliverable."""
    local, _, domain = in_ascii(address).rpartition("@")
    return Address("", local, domain)


def _sender(address: str, name: str) -> Address:
    """As `address_of`; an installation may send from a private domain. Raises ValueError."""
    with contextlib.suppress(NotDeliverable):
        address = in_ascii(address)
    local, at, domain = address.rpartition("@")
    if not (local and at and domain) or any(each.isspace() for each in address):
        raise ValueError("MAIL_FROM needs an e-mail address")
    return Address(name, local, domain)

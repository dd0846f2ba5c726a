"""Messages from `templates/mail/<language>/<kind>.txt` and `.html`, in the recipient's language."""

import contextlib
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from application.notifications.mail import CalendarInvite, MailMessage
from application.people.email_address import NotDeliverable, in_ascii

TEMPLATES = Path(__file__).parents[1] / "templates" / "mail"
LANGUAGE = "en"
"""The language of mails to recipients whose own language has no templates."""


class MessageBuilder:
    """`public_url`: the base of links; `mail_from`: an address, or `Name <address>`. Raises ValueError."""

    def __init__(self, public_url: str, mail_from: str, folder: Path = TEMPLATES) -> None:
        self._public_url = public_url.rstrip("/")
        name, address = parseaddr(mail_from)
        self.sender = _sender(address, name)
        self._folder = folder
        self._templates = Environment(
            loader=FileSystemLoader(folder),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def message(self, mail: MailMessage) -> EmailMessage:
        """Plain text and HTML; the text's first line is the subject. Raises ValueError for a bad address."""
        language = self.language_of(mail.language, mail.kind)
        subject, _, text = self._rendered(mail, language, "txt").partition("\n")
        message = EmailMessage(policy=SMTP)
        # The library refuses line breaks in a header: no header injection.
        message["From"] = self.sender
        message["To"] = address_of(mail.to)
        message["Subject"] = subject
        message["Message-ID"] = f"<{mail.id}@{self.sender.domain}>"  # a retry has the same id
        message["Auto-Submitted"] = "auto-generated"
        message["X-Daybook-Kind"] = mail.kind
        message.set_content(text.strip() + "\n")
        message.add_alternative(self._rendered(mail, language, "html"), subtype="html")
        if mail.invite is not None:
            _invite(message, mail.invite)
        message["Content-Language"] = language  # last: setting content drops all Content headers
        return message

    def language_of(self, tag: str, kind: str) -> str:
        """The language of the templates for a mail of this kind to a recipient with this language tag."""
        language = tag.partition("-")[0].lower()
        exists = language.isalpha() and (self._folder / language / f"{kind}.txt").is_file()
        return language if exists else LANGUAGE

    def _rendered(self, mail: MailMessage, language: str, suffix: str) -> str:
        template = self._templates.get_template(f"{language}/{mail.kind}.{suffix}")
        return template.render(public_url=self._public_url, language=language, **mail.said)


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

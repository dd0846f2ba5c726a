"""Letters written from `templates/mail/<language>/<kind>.txt` and `.html`, in the reader's language."""

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from application.ports import CalendarInvite, MailMessage

TEMPLATES = Path(__file__).parents[1] / "templates" / "mail"
LANGUAGE = "en"
"""What people get whose language has no templates."""


class MessageBuilder:
    """`public_url`: where links lead; `mail_from`: an address, or `Name <address>`. Raises ValueError."""

    def __init__(self, public_url: str, mail_from: str, folder: Path = TEMPLATES) -> None:
        self._public_url = public_url.rstrip("/")
        name, address = parseaddr(mail_from)
        self.sender = address_of(address, name)
        self._folder = folder
        self._templates = Environment(
            loader=FileSystemLoader(folder),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def message(self, letter: MailMessage) -> EmailMessage:
        """Plain text and HTML; the text's first line is the subject. Raises ValueError for a bad address."""
        language = self.language_of(letter.language, letter.kind)
        subject, _, text = self._written(letter, language, "txt").partition("\n")
        message = EmailMessage(policy=SMTP)
        # The library refuses line breaks in a header, so that nobody adds one of their own.
        message["From"] = self.sender
        message["To"] = address_of(letter.to)
        message["Subject"] = subject
        message["Message-ID"] = f"<{letter.id}@{self.sender.domain}>"  # the same when it is sent again
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text.strip() + "\n")
        message.add_alternative(self._written(letter, language, "html"), subtype="html")
        if letter.invite is not None:
            _invite(message, letter.invite)
        message["Content-Language"] = language  # last: setting content drops all headers that are about it
        return message

    def language_of(self, tag: str, kind: str) -> str:
        """Whose templates a letter of this kind is written from, to somebody of the tag's language."""
        language = tag.partition("-")[0].lower()
        there = language.isalpha() and (self._folder / language / f"{kind}.txt").is_file()
        return language if there else LANGUAGE

    def _written(self, letter: MailMessage, language: str, suffix: str) -> str:
        template = self._templates.get_template(f"{language}/{letter.kind}.{suffix}")
        return template.render(public_url=self._public_url, language=language, **letter.said)


def _invite(message: EmailMessage, invite: CalendarInvite) -> None:
    """As calendars look for it: another form of the text for those who read mail, a file for the rest."""
    method = {"method": invite.method}
    message.add_alternative(invite.text, subtype="calendar", params=method, cte="base64")
    message.add_attachment(
        invite.text.encode(), maintype="application", subtype="ics", filename="invite.ics", params=method
    )


def address_of(address: str, name: str = "") -> Address:
    """Raises ValueError for what is not one address."""
    local, at, domain = address.rpartition("@")
    if not (local and at and domain) or any(each.isspace() for each in address):
        raise ValueError("this is not an e-mail address")
    return Address(name, local, domain)

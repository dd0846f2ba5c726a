"""Letters written from `templates/mail/<language>/<kind>.txt` and `.html`, in the reader's language."""

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from application.ports import Letter

TEMPLATES = Path(__file__).parent / "templates" / "mail"
LANGUAGE = "en"
"""What people get whose language has no templates."""


class Letters:
    """`public_url`: where links lead; `mail_from`: an address, or `Name <address>`. Raises ValueError."""

    def __init__(self, public_url: str, mail_from: str) -> None:
        self._public_url = public_url.rstrip("/")
        self._from = _address(*parseaddr(mail_from))
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def message(self, letter: Letter) -> EmailMessage:
        """Plain text and HTML; the text's first line is the subject. Raises ValueError for a bad address."""
        language = self._language(letter)
        subject, _, text = self._written(letter, language, "txt").partition("\n")
        message = EmailMessage(policy=SMTP)
        # The library refuses line breaks in a header, so that nobody adds one of their own.
        message["From"] = self._from
        message["To"] = _address("", letter.to)
        message["Subject"] = subject
        message["Message-ID"] = f"<{letter.id}@{self._from.domain}>"  # the same when it is sent again
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text.strip() + "\n")
        message.add_alternative(self._written(letter, language, "html"), subtype="html")
        message["Content-Language"] = language  # last: setting content drops all headers that are about it
        return message

    def _language(self, letter: Letter) -> str:
        tag = letter.language.partition("-")[0].lower()
        there = tag.isalpha() and (TEMPLATES / tag / f"{letter.kind}.txt").is_file()
        return tag if there else LANGUAGE

    def _written(self, letter: Letter, language: str, suffix: str) -> str:
        template = self._templates.get_template(f"{language}/{letter.kind}.{suffix}")
        return template.render(public_url=self._public_url, language=language, **letter.said)


def _address(name: str, address: str) -> Address:
    """Raises ValueError for what is not one address."""
    local, at, domain = address.rpartition("@")
    if not (local and at and domain) or any(each.isspace() for each in address):
        raise ValueError("this is not an e-mail address")
    return Address(name, local, domain)

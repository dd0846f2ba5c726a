"""The words of a mail: subject, text and HTML, from `templates/mail/<language>/<kind>.jinja` in two layouts."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from application.notifications.mail import AgendaLine
from infrastructure.mail.formatting import line

LONGEST_SUBJECT = 59  # characters
NAMES = frozenset({"name", "provider", "old_provider", "customer", "service", "address", "reason", "organization"})
"""The fields in other people's words: HTML isolates their direction from that of the sentence."""
REASONS: Mapping[str, str] = {
    "booked": "appointment",
    "moved": "appointment",
    "not-moved": "appointment",
    "rebook": "appointment",
    "reminder": "appointment",
    "cancelled": "ended",
    "requested": "request",
    "declined": "request",
    "expired": "request",
    "offer": "waitlist",
    "waitlist-ended": "left-waitlist",
    "approve": "staff",
    "staff-booked": "staff",
    "staff-moved": "staff",
    "staff-cancelled": "staff",
    "webhook-disabled": "webhook",
    "agenda": "agenda",
    "invitation": "invitation",
    "verify": "registration",
    "new-address": "registration",
    "forgotten": "former",
}
"""Kind of mail -> why the recipient gets it; every other kind is about an account."""
LONGEST_RANGE = 24  # characters of a range of times that stays on one line; a longer one has dates in it
_WHEN = '{}, <span style="white-space: nowrap;">{}</span>'
_FACTS = ("when", "there", "duration", "service", "provider", "customer", "address", "price")
_MORE = {"when": "zone", "there": "there_zone"}
_BLANK = re.compile(r"\n\s*\n")
_FOLDED = re.compile(r"[ \n]+")
_SPACES = dict.fromkeys(map(ord, "\u00a0\u202f\u2009"), " ")


class Written(NamedTuple):
    """A mail in words. `html` and `text` say the same."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What mails say of the installation. `sender`: its name, and its postal address if it is set.

    `support`: where people get help; empty if it is not set. `host`: of the public address.
    """

    name: str
    sender: str
    support: str
    host: str


class MailTexts:
    """Renders mails. A field that a template needs and the mail lacks is an error."""

    def __init__(self, folder: Path, letterhead: Letterhead) -> None:
        self._letterhead = letterhead
        self._plain, self._html = _environment(folder, html=False), _environment(folder, html=True)

    def words(self, language: str) -> Mapping[str, Any]:
        """The labels and sentences that all mails of the language share."""
        module = self._plain.get_template(f"{language}/words.jinja").module
        return {name: value for name, value in vars(module).items() if not name.startswith("_")}

    def write(
        self, kind: str, language: str, said: Mapping[str, str], agenda: Sequence[tuple[str, AgendaLine]] = ()
    ) -> Written:
        """`said`: the fields, which become one line of plain text each. `agenda`: times and appointments."""
        fields = {name: line(value) for name, value in said.items()}
        source = _Draft(kind, language, fields, self.words(language), self._letterhead, agenda)
        plain, html = _Page(self._plain, source), _Page(self._html, source, markup=True)
        subject = _subject(plain.block("subject"), fields.get("service", ""))
        preheader = _preheader(fields) or "".join(plain.paragraphs("lead")[:1])
        shown = html.render("layout.html", {"subject": subject, "preheader": preheader})
        return Written(subject, plain.render("layout.txt", {}), shown)

    def cancelling(self, language: str, said: Mapping[str, str]) -> str:
        """The sentence on cancelling, as plain text."""
        sentence: str = self.words(language)["cancelling"][said["may_cancel"]]
        return sentence % _contacts(said)


class _Draft(NamedTuple):
    """What a mail is made of, in both formats. `agenda`: times and appointments."""

    kind: str
    language: str
    said: Mapping[str, str]
    words: Mapping[str, Any]
    letterhead: Letterhead
    agenda: Sequence[tuple[str, AgendaLine]]


class _Page:
    """One mail in one of the two formats."""

    def __init__(self, environment: Environment, source: _Draft, *, markup: bool = False) -> None:
        self._environment, self._kind, self._markup = environment, source.kind, markup
        self._words, self._letterhead, self._agenda = source.words, source.letterhead, source.agenda
        self._said = self._fields(source)
        self._template: Template = environment.get_template(f"{source.language}/{source.kind}.jinja")

    def _fields(self, source: _Draft) -> dict[str, Any]:
        """The fields of the template, and the sentences that depend on them."""
        said, words = source.said, source.words
        isolates = NAMES if self._markup else ()
        named = {name: _isolated(value) if name in isolates else value for name, value in said.items()}
        host = self._letterhead.host
        support = self._letterhead.support or self._say(words["operator"], {"host": host})
        fields: dict[str, Any] = {"language": source.language, "host": host, "support": support, **named}
        if self._markup and len(said.get("times", "")) in range(1, LONGEST_RANGE):
            fields["when"] = Markup(_WHEN).format(said["date"], said["times"])  # noqa: S704
        if "may_cancel" in said:
            fields["cancelling"] = self._say(words["cancelling"][said["may_cancel"]], _contacts(fields))
            fields["change"] = words["change"][said["change"]]
        return fields

    def block(self, name: str) -> str:
        """One block of the kind's template, on one line; empty if it has none."""
        return self._safe(" ".join(self.paragraphs(name)))

    def paragraphs(self, name: str) -> Sequence[str]:
        """A block of several paragraphs, which blank lines divide."""
        block = self._template.blocks.get(name)
        text = "".join(block(self._template.new_context(self._said))) if block is not None else ""
        folded = (_FOLDED.sub(" ", part).strip() for part in _BLANK.split(text))
        return [self._safe(part) for part in folded if part]

    def render(self, layout: str, more: Mapping[str, str]) -> str:
        parts = {name: self.paragraphs(name) for name in ("lead", "after", "end")}
        title, button = self.block("title"), self.block("button")
        fields = {"title": title, "button": button, "code": self._said.get("token", ""), "facts": [*self._facts()]}
        fields |= {"link": "", "stop_link": "", "copy_code": self._words["copy_code"], "stop": self._stop()}
        closing = {"hello": self._hello(), "signature": self._signature(), "footer": [*self._footer()]}
        return self._environment.get_template(layout).render({**fields, **self._said, **parts, **closing, **more})

    def _stop(self) -> str:
        """The words of the link that stops such mails."""
        to_staff = REASONS.get(self._kind) in {"staff", "agenda"}
        return str(self._words["stop_staff" if to_staff else "stop"])

    def _facts(self) -> Iterator[tuple[str, str, str]]:
        """The rows of the table: label, value and what stands below it."""
        for times, each in self._agenda:
            names = [line(name) for name in (each.service, each.customer, each.provider) if name]
            isolated = [_isolated(name) for name in names] if self._markup else names
            yield times, self._safe(" · ".join(isolated)), ""
        if "when" not in self._said:
            return
        for name in _FACTS:
            if value := self._said.get(name):
                label = self._say(self._words["labels"][name], self._said)
                yield label, value, self._said.get(_MORE.get(name, ""), "")

    def _hello(self) -> str:
        named = self._said.get("name")
        return self._say(self._words["hello"], self._said) if named else str(self._words["hello_nobody"])

    def _signature(self) -> str:
        return (self._by_provider and self._said["provider"]) or self._letterhead.name

    @property
    def _by_provider(self) -> bool:
        """Whether the mail goes to a customer, in the provider's name."""
        return REASONS.get(self._kind) in {"appointment", "ended", "request", "waitlist", "left-waitlist"}

    def _footer(self) -> Iterator[str]:
        """Why the mail was sent, by whom, and how to reach a person."""
        why = "former-staff" if self._said.get("side") == "former" else REASONS.get(self._kind, "account")
        yield self._say(self._words["reasons"][why], self._said)
        yield self._say(self._words["sent_by"], {"sender": self._letterhead.sender})
        contact = self._letterhead.support
        if self._by_provider and self._said.get("contact"):
            contact = self._said["provider"] + f": {self._said['contact']}"
        if contact:
            yield self._say(self._words["contact"], {"contact": contact})

    def _say(self, sentence: str, values: Mapping[str, Any]) -> str:
        return Markup(sentence) % values if self._markup else sentence % values  # noqa: S704  our own sentence

    def _safe(self, text: str) -> str:
        """Text that a template of this format has escaped."""
        return Markup(text) if self._markup else text  # noqa: S704


def _environment(folder: Path, *, html: bool) -> Environment:
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=html,  # noqa: S701  the other environment writes plain text
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _isolated(value: str) -> str:
    return Markup("<bdi>{}</bdi>").format(value) if value else ""


def _contacts(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values of a sentence on cancelling: the provider, with its public contact if it has one."""
    provider, contact = said["provider"], said.get("contact")
    named = provider + f" ({contact})" if contact else provider
    return {"until": said["cancel_until"], "fee": said["late_fee"], "contact": named}


def _subject(subject: str, service: str) -> str:
    """The subject with plain spaces, so that an ASCII one needs no encoding; a long service is shortened."""
    subject, service = subject.translate(_SPACES), service.translate(_SPACES)
    excess = len(subject) - LONGEST_SUBJECT
    if excess > 0 and len(service) > excess + 1:
        subject = subject.replace(service, service[: -excess - 1].rstrip() + "…", 1)
    return subject if len(subject) <= LONGEST_SUBJECT else subject[: LONGEST_SUBJECT - 1].rstrip() + "…"


def _preheader(said: Mapping[str, str]) -> str:
    """The line that mail programs show beside the subject."""
    return " · ".join(filter(None, (said.get("when"), said.get("provider"), said.get("address"))))

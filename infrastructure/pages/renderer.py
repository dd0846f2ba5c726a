"""HTML of the pages behind links, from `templates/pages`, in the language of the mail."""

import json
import re
from collections.abc import Mapping
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from application.notifications.recipient import zone_of
from infrastructure.mail.formatting import line, locale_of
from infrastructure.mail.money import money_text

TEMPLATES = Path(__file__).parents[1] / "templates" / "pages"
LANGUAGE = "en"
_ACCEPTED = re.compile(r"\s*([A-Za-z]{2,3})\b")


class PageTemplates:
    """`public_url`: its path is that of the pages."""

    def __init__(self, public_url: str, folder: Path = TEMPLATES) -> None:
        self.root = urlsplit(public_url).path.rstrip("/")
        self.style = (folder / "style.css").read_bytes()
        self._words = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in folder.glob("*.json")}
        self._templates = Environment(
            loader=FileSystemLoader(folder),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["line"] = line

    def language(self, wanted: str, accepted: str) -> str:
        """The language of the link if there are words in it, else the first that the browser accepts, else English."""
        tags = [wanted, *accepted.split(",")]
        found = [match[1].lower() for tag in tags if (match := _ACCEPTED.match(tag))]
        return next((each for each in found if each in self._words), LANGUAGE)

    def render(
        self, template: str, fields: Mapping[str, Any], *, language: str, locale: str = "", zone: str = ""
    ) -> bytes:
        """`locale`: the person's language tag; `zone`: in which times are shown."""
        words, tz = self._words[language], zone_of(zone)
        spoken = locale_of(locale, language)

        def say(key: str, **said: Any) -> str:
            text: str = words[key]
            return text % said if said else text

        told = {
            "language": language,
            "root": self.root,
            "say": say,
            "problem": partial(_problem, words),
            "day": partial(_day, spoken, tz),
            "time": partial(_time, spoken, tz),
            "money": partial(money_text, locale=spoken),
        }
        return self._templates.get_template(f"{template}.html").render(**told, **fields).encode()


def _problem(words: Mapping[str, str], kind: str, status: int) -> str:
    """The sentence for a refusal: that of its kind, else that of its status."""
    return next(words[key] for key in (f"problem.{kind}", f"problem.{status}", "problem") if key in words)


def _day(locale: Locale, zone: ZoneInfo, moment: datetime | date) -> str:
    local = moment.astimezone(zone) if isinstance(moment, datetime) else moment
    return format_date(local, "full", locale=locale).replace("\u202f", "\u00a0")


def _time(locale: Locale, zone: ZoneInfo, moment: datetime) -> str:
    return format_time(moment.astimezone(zone), "short", locale=locale).replace("\u202f", "\u00a0")

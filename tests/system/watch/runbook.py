"""The commands and names of docs/runbook.md, as an operator reads them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs/runbook.md").read_text(encoding="utf-8")
SECTIONS: Mapping[str, str] = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL))
"""By alert."""
HEAD = TEXT.partition("\n## ")[0]
_TYPED = re.compile(r"(docker|daybook|df|curl|ssh|timedatectl|top)\b")


def commands(text: str) -> Iterator[str]:
    """What a part of the runbook says to type, in its order."""
    for line in text.splitlines():
        block = re.match(r" {4}(\S.*)", line)
        found = [re.sub(r"\s+# .*", "", block[1])] if block else re.findall(r"`([^`]+)`", line)
        yield from (each for each in found if _TYPED.match(each) and each != "docker/prometheus/alerts.yml")


def words(command: str) -> Sequence[str]:
    """The words of a command, up to a pipe or a redirection."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars="|>")
    lexer.whitespace_split = True
    found = []
    for word in lexer:
        if word in {"|", ">"}:
            break
        found.append(word)
    return found


def italics(text: str) -> Iterator[str]:
    """The names of dashboards, rows, panels and lines."""
    yield from re.findall(r"(?<!\*)\*([^*\n`]+)\*(?!\*)", text)

"""Text folding: words compared regardless of case and accents."""

import re
import unicodedata

_ACCENTS = re.compile("[\u0300-\u036f]+")  # of Latin, Greek and Cyrillic; other scripts' marks are letters


def folded(*texts: str | None) -> str:
    """The folded texts, one a line, so that no match spans two of them."""
    return "\n".join(map(_folded, filter(None, texts)))


def words(q: str) -> list[str]:
    """The folded words of a search, each once."""
    return list(dict.fromkeys(folded(q).split()))


def _folded(text: str) -> str:
    plain = _ACCENTS.sub("", unicodedata.normalize("NFKD", text.casefold()))
    return unicodedata.normalize("NFKC", plain.casefold())

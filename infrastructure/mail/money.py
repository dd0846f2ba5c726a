"""Money in a reader's language and country."""

import re
from copy import copy
from decimal import Decimal

from babel import Locale

from application.catalog.currency import minor_digits

_LETTER_BY_DIGIT = re.compile(r"(?<=[^\W\d_])(?=\d)")


def money_text(minor: int, currency: str, locale: Locale) -> str:
    """An amount in minor units, with no-break spaces that the fonts of all readers have."""
    digits = minor_digits(currency)  # by ISO 4217: the locale data show HUF without its two
    pattern = copy(locale.currency_formats["standard"])
    pattern.frac_prec = digits, digits
    amount = Decimal(minor).scaleb(-digits)
    formatted = pattern.apply(amount, locale, currency=currency, currency_digits=False)
    return _LETTER_BY_DIGIT.sub("\u00a0", formatted).replace("\u202f", "\u00a0")  # KWD 4.500, as CLDR has it

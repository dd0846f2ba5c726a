"""Currencies: the codes of ISO 4217, and how many digits the minor unit of each has."""

from iso4217 import Currency

_DIGITS = {each.code: each.exponent for each in Currency if each.exponent is not None}
_USUAL = 2


def is_currency(code: str) -> bool:
    """Whether ISO 4217 lists the code for a currency with an amount: neither precious metals nor test codes."""
    return code in _DIGITS


def minor_digits(code: str) -> int:
    """The digits of the minor unit: 2 for EUR, 0 for JPY, 2 for HUF. Two for a code that is no longer listed."""
    return _DIGITS.get(code, _USUAL)

"""The digits of an amount come from ISO 4217."""

import pytest
from babel.numbers import get_currency_precision
from iso4217 import Currency

from application.catalog.currency import is_currency, minor_digits
from interfaces.demo.trades import CURRENCIES


@pytest.mark.parametrize("listed", Currency, ids=lambda each: each.code)
def test_every_listed_currency_has_the_digits_of_the_list(listed: Currency) -> None:
    if listed.exponent is None:
        assert not is_currency(listed.code)
    else:
        assert is_currency(listed.code)
        assert minor_digits(listed.code) == listed.exponent


def test_what_locales_show_differs_from_the_list() -> None:
    """The reason for the list: an amount would be read a hundred times too large."""
    differs = {
        each.code
        for each in Currency
        if is_currency(each.code) and minor_digits(each.code) != get_currency_precision(each.code)
    }
    assert {"HUF", "IQD"} <= differs


@pytest.mark.parametrize("code", ["XQZ", "XXX", "XTS", "XAU", "HRK", "eur", ""])
def test_what_the_list_does_not_have_is_no_currency(code: str) -> None:
    assert not is_currency(code)


def test_the_demo_town_is_paid_in_listed_currencies() -> None:
    assert all(map(is_currency, CURRENCIES))

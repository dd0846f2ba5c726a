"""Tickets: good once, for one purpose, for a short time."""

import asyncio
from datetime import timedelta

import pytest

from application.identity.one_time_tokens import TicketVoid
from domain.kernel import new_id
from infrastructure.identity.services import IdentityServices
from tests.conftest import Database
from tests.support.instances import ask

HOUR = timedelta(hours=1)


async def test_a_ticket_is_good_once(opened: IdentityServices):
    tickets, account = opened.signing.tickets, new_id()
    ticket = await tickets.issue(account, "reset", HOUR)
    assert await tickets.look(ticket, "reset") == account
    assert await tickets.redeem(ticket, "reset") == account
    for again in (tickets.redeem, tickets.look):
        with pytest.raises(TicketVoid):
            await again(ticket, "reset")


async def test_of_many_at_once_one_gets_it(opened: IdentityServices):
    tickets = opened.signing.tickets
    ticket = await tickets.issue(new_id(), "reset", HOUR)
    found = await asyncio.gather(*(tickets.redeem(ticket, "reset") for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(each, TicketVoid) for each in found) == 7


async def test_a_ticket_is_for_one_purpose(opened: IdentityServices):
    ticket = await opened.signing.tickets.issue(new_id(), "verify", HOUR)
    with pytest.raises(TicketVoid):
        await opened.signing.tickets.redeem(ticket, "reset")
    await opened.signing.tickets.redeem(ticket, "verify")


async def test_a_ticket_runs_out(opened: IdentityServices, database: Database):
    ticket = await opened.signing.tickets.issue(new_id(), "reset", HOUR)
    ask(database.owner, "UPDATE auth.ticket SET expires_at = expires_at - interval '61 min'")
    with pytest.raises(TicketVoid):
        await opened.signing.tickets.redeem(ticket, "reset")


async def test_dropped_forged_and_odd_ones_are_void(opened: IdentityServices, database: Database):
    tickets, account = opened.signing.tickets, new_id()
    ticket = await tickets.issue(account, "reset", HOUR)
    assert ticket not in str(ask(database.owner, "SELECT t::text FROM auth.ticket t"))
    await tickets.drop(account)
    for void in (ticket, "", "x" * 100, "\ud800", "\x00"):
        with pytest.raises(TicketVoid):
            await tickets.redeem(void, "reset")

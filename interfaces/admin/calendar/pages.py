"""The page of the calendar, its data, and the routes of this room."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from starlette.routing import Route

from interfaces.admin.booking.appointment import APPOINTMENTS
from interfaces.admin.calendar import today
from interfaces.admin.calendar.answers import as_json
from interfaces.admin.calendar.booking import book, find_customers, find_services
from interfaces.admin.calendar.columns import providers_of
from interfaces.admin.calendar.data import SHOWN, calendar_data
from interfaces.admin.calendar.moving import move
from interfaces.admin.calendar.states import ACTIONS
from interfaces.admin.calendar.wanted import VIEWS, CalendarQuery
from interfaces.admin.operations import context_of
from interfaces.admin.page import View, page
from interfaces.admin.request import Panel, PanelRequest
from interfaces.http.catalog.managing import manager_of
from projections.read_models.tag import tag_choices
from projections.search.managed import service_choices

PATH, OPERATION = "/admin/calendar", "list_appointments"
MOST_CHOICES = 200


def calendar_routes(panel: Panel) -> Sequence[Route]:
    """Today and the calendar, and what the calendar's script asks for and sends."""
    return (
        page(panel, "GET", "/today", today.show_today),
        page(panel, "GET", "/calendar", show_calendar),
        page(panel, "GET", "/calendar/data", show_data, write=as_json),
        page(panel, "GET", "/calendar/customers", find_customers, write=as_json),
        page(panel, "GET", "/calendar/services", find_services, write=as_json),
        page(panel, "POST", "/calendar/{id:uuid}/move", move, write=as_json),
        page(panel, "POST", "/calendar/book", book, write=as_json),
    )


async def show_data(asked: PanelRequest) -> View:
    wanted = CalendarQuery.of(asked.query)
    return View("calendar", await calendar_data(asked, wanted, asked.query.get("after", "")))


async def show_calendar(asked: PanelRequest) -> View:
    wanted = CalendarQuery.of(asked.query)
    data = await calendar_data(asked, wanted, asked.query.get("after", ""))
    values = {
        "wanted": wanted,
        "data": data,
        "spans": VIEWS,
        "statuses": [str(each) for each in SHOWN],
        "providers": await _providers(asked, wanted, data),
        "services": await _services(asked, wanted),
        "tags": await _tags(asked),
        "config": _config(asked),
    }
    return View("calendar", values)


def _config(asked: PanelRequest) -> Mapping[str, Any]:
    """What the script is told: words, and what the person's role may do. Whether here, the operation decides."""
    language = asked.language
    return {
        "locale": "en-GB" if language.name == "en" else language.name,
        "csrf": asked.form_token,
        "may": {"move": asked.may("reschedule_appointment"), "book": asked.may("book_appointment")},
        "actions": {
            status: [_action(asked, each) for each in operations if asked.may(each)]
            for status, operations in ACTIONS.items()
        },
        "statuses": {str(each): language.value("value", str(each)) for each in SHOWN},
        "words": language.group("calendar."),
    }


def _action(asked: PanelRequest, operation: str) -> Mapping[str, Any]:
    """A form of the section of appointments. `asks`: it has fields, and so a page of its own."""
    form = next(each for each in APPOINTMENTS.forms if each.operation == operation)
    return {"path": form.path, "label": asked.language.say(f"do.{operation}"), "asks": bool(form.inputs)}


async def _providers(asked: PanelRequest, wanted: CalendarQuery, data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The providers to choose from: those of the page, also where one of them is chosen."""
    if not wanted.provider_id:
        return [(each["id"], each["name"]) for each in data["columns"]]
    every = CalendarQuery(wanted.day, service_id=wanted.service_id, tag=wanted.tag)
    found, _ = await providers_of(asked, every)
    chosen = [(each["id"], each["name"]) for each in found]
    here = [(each["id"], each["name"]) for each in data["columns"]]
    return chosen if set(here) <= set(chosen) else [*here, *chosen]


async def _services(asked: PanelRequest, wanted: CalendarQuery) -> list[tuple[str, str]]:
    context = context_of(asked, "list_services")
    by, provider_id = await manager_of(context), UUID(wanted.provider_id) if wanted.provider_id else None
    async with context.snapshot("directory") as read:
        found = await service_choices(read, by, provider_id=provider_id, most=MOST_CHOICES)
    return [(str(id), name) for id, name in found]


async def _tags(asked: PanelRequest) -> Sequence[tuple[str, str]]:
    """Slugs and names."""
    async with context_of(asked, "list_tags").snapshot("directory") as read:
        return await tag_choices(read, most=MOST_CHOICES)

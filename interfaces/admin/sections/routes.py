"""The routes of a section: its list, its cards, its forms."""

from collections.abc import Sequence
from functools import partial

from starlette.routing import Route

from interfaces.admin.page import page
from interfaces.admin.request import Panel
from interfaces.admin.sections.card import show_card
from interfaces.admin.sections.change import send_form, show_form
from interfaces.admin.sections.listing import show_list
from interfaces.admin.sections.section import Section


def section_routes(panel: Panel, section: Section) -> Sequence[Route]:
    base, found = f"/{section.name}", [page(panel, "GET", f"/{section.name}", partial(show_list, section=section))]
    if section.create is not None:
        path = f"{base}/{section.create.path}"
        found.append(page(panel, "GET", path, partial(show_form, section=section, form=section.create)))
        found.append(page(panel, "POST", path, partial(send_form, section=section, form=section.create)))
    if section.card:
        found.append(page(panel, "GET", base + "/{id:uuid}", partial(show_card, section=section)))
    for form in section.all_forms:
        path = f"{base}/{{id:uuid}}/{form.path}"
        found.append(page(panel, "GET", path, partial(show_form, section=section, form=form)))
        found.append(page(panel, "POST", path, partial(send_form, section=section, form=form)))
    return found

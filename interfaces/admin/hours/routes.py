"""The routes of this room."""

from collections.abc import Sequence

from starlette.routing import Route

from interfaces.admin.hours.page import show_hours
from interfaces.admin.hours.preview import save, show_preview
from interfaces.admin.page import page
from interfaces.admin.request import Panel

_PATH = "/providers/{id:uuid}/hours"


def hours_routes(panel: Panel) -> Sequence[Route]:
    """The page, the preview of a change, and its saving."""
    return (
        page(panel, "GET", _PATH, show_hours),
        page(panel, "POST", f"{_PATH}/preview", show_preview),
        page(panel, "POST", f"{_PATH}/save", save),
    )

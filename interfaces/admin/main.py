"""Composition root of the API with the admin panel."""

from collections.abc import Sequence

from fastapi import FastAPI

from infrastructure.mail.money import money_text
from infrastructure.settings import Settings
from infrastructure.settings_report import in_force
from interfaces.admin.frame import Frame
from interfaces.admin.request import Panel, ShownSetting
from interfaces.admin.routes import panel_routes
from interfaces.admin.wording import Wording
from interfaces.http import main


def create_app(settings: Settings) -> FastAPI:
    """The API on the servers of the settings, with the admin panel under /admin."""
    app = main.create_app(settings)
    app.router.routes.extend(panel_routes(panel_of(settings.public_url, settings_shown(settings))))
    return app


def panel_of(public_url: str, settings: Sequence[ShownSetting] = ()) -> Panel:
    """The panel of an installation at this address."""
    return Panel(Frame(), Wording(money_text), public_url, settings)


def settings_shown(settings: Settings) -> Sequence[ShownSetting]:
    """All settings, with no secret."""
    return [ShownSetting(each.name, each.value or "", each.source) for each in in_force(settings)]

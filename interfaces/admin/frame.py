"""The frame of the panel: theme, menu and templates of starlette-admin. None of its routes is served."""

import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined
from starlette.requests import Request
from starlette.routing import Route
from starlette_admin.base import BaseAdmin
from starlette_admin.views import CustomView, DropDown

from application.access import ACCESS

ROOT = Path(__file__).parent
STATIC: Mapping[str, bytes] = {
    "tabler.css": (files("starlette_admin") / "static" / "css" / "vendor" / "tabler.min.css").read_bytes(),
    **{path.name: path.read_bytes() for kind in ("css", "js") for path in (ROOT / "static").glob(f"*.{kind}")},
}
"""Style sheets and scripts: Tabler comes with starlette-admin; of others too is what static/VENDORED names."""
DIGESTS = {name: hashlib.sha256(content).hexdigest() for name, content in STATIC.items()}


class Place(CustomView):
    """An entry of the menu, for those whose role is granted its operation, and to whom the request does not refuse it.

    `key`: of its words.
    """

    def __init__(self, key: str, path: str, operation: str) -> None:
        super().__init__(menu_label=key, path=path)
        self.operation = operation

    def is_accessible(self, request: Request) -> bool:
        refused = request.scope.get("refused", ())
        return request.scope["caller"].role in ACCESS[self.operation] and self.operation not in refused

    def is_active(self, request: Request) -> bool:
        here: str = request.scope["path"]
        return here == self.path or here.startswith(f"{self.path}/")


class Frame(BaseAdmin):
    """Of starlette-admin, theme, menu and Jinja environment: sessions and forms are Daybook's own."""

    def __init__(self) -> None:
        super().__init__(
            title="Daybook",
            templates_dir=str(ROOT / "templates"),
            index_view=CustomView(add_to_menu=False),
            secret_key="unused: nothing of the frame is signed",  # noqa: S106  no secret
            timezone_config=None,
        )
        environment = self.templates.env
        environment.undefined = StrictUndefined
        environment.trim_blocks = environment.lstrip_blocks = True
        environment.globals["digests"] = DIGESTS

    def _init_locale(self) -> None: ...

    def _init_flash(self) -> None: ...

    def _init_csrf(self) -> None: ...

    def _init_auth(self) -> None: ...

    def _collect_core_routes(self) -> list[Route]:
        """No lists, imports, inline edits and look-ups of its own."""
        return []

    def add_places(self, key: str, places: Sequence[Place]) -> None:
        """A group of the menu."""
        self.add_view(DropDown(key, list(places)))

    def render(self, template: str, values: Mapping[str, Any]) -> bytes:
        """A page as HTML."""
        return self.templates.env.get_template(f"{template}.html").render(**values).encode()

"""The panel is there where ADMIN is on, and costs nothing where it is off."""

import subprocess
import sys
from pathlib import Path

import pytest

from infrastructure.settings import Settings
from interfaces.cli.startup.run import _has_panel

ROOT = Path(__file__).parents[4]
KEY = "k" * 44
_PROGRAM = """
import sys
from infrastructure.settings import Settings
from interfaces.cli.api_server import app_of
app = app_of(Settings(_env_file=None, secret_key=KEY, master_key=KEY, admin=ADMIN))
paths = [getattr(route, "path", "") for route in app.router.routes]
print("/admin/sign-in" in paths, any(name.startswith(("starlette_admin", "interfaces.admin")) for name in sys.modules))
"""


@pytest.mark.parametrize("on", [True, False])
def test_nothing_of_the_panel_is_loaded_where_it_is_off(on: bool) -> None:
    program = _PROGRAM.replace("KEY", repr(KEY)).replace("ADMIN", repr(on))
    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.split() == [str(on), str(on)]


@pytest.mark.parametrize(("said", "has"), [({}, True), ({"admin": False}, False), ({"admin": True}, True)])
def test_daybook_up_has_a_panel_unless_it_is_told_not_to(said: dict[str, bool], has: bool) -> None:
    assert _has_panel(Settings(_env_file=None, **said)) is has  # type: ignore[arg-type]

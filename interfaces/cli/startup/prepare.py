"""The process of the preparation: carries out the steps that `daybook up` asks for, a line of JSON each."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from infrastructure.migrate import migrate_all
from infrastructure.settings import Settings, adopt
from interfaces.cli.failures import failure_of
from interfaces.cli.reporting import report_crash, start_reporting
from interfaces.cli.startup.demo_data import build_town, build_year, lacks_year, make_accounts
from interfaces.cli.startup.preparation import Progress
from interfaces.demo.first_booking import FirstBooking


def _migrate(settings: Settings, _: Mapping[str, Any], progress: Progress) -> list[str]:
    return migrate_all(settings, progress, grace=0)  # no role uses the read models yet


def _build(settings: Settings, _: Mapping[str, Any], progress: Progress) -> Mapping[str, str | None]:
    return build_town(settings, progress).written()


def _accounts(settings: Settings, details: Mapping[str, Any], _: Progress) -> str:
    return make_accounts(settings, FirstBooking.read(details["town"]), Path(details["data"]))


def _lacks_year(settings: Settings, _: Mapping[str, Any], __: Progress) -> bool:
    return lacks_year(settings)


def _year(settings: Settings, _: Mapping[str, Any], progress: Progress) -> None:
    os.nice(10)  # the town is in use
    build_year(settings, progress, in_flight=4)


STEPS: Mapping[str, Callable[[Settings, Mapping[str, Any], Progress], Any]] = {
    "migrate": _migrate,
    "build": _build,
    "accounts": _accounts,
    "lacks_year": _lacks_year,
    "year": _year,
}


def main() -> None:
    """Carry out steps until standard input closes, or one fails."""
    settings = adopt(json.loads(sys.stdin.readline() or "{}"))
    start_reporting(settings, "up")
    for line in sys.stdin:
        details = json.loads(line)
        try:
            _say(result=STEPS[details["step"]](settings, details, _progress))
        except Exception as error:  # noqa: BLE001  the parent says what failed
            failure = failure_of(error)
            if failure is None:
                report_crash(error)
            text, status = failure or (traceback.format_exc(), 1)
            _say(failure=text, status=status)
            return


def _progress(done: int, total: int) -> None:
    _say(done=done, total=total)


def _say(**told: Any) -> None:
    print(json.dumps(told), flush=True)  # noqa: T201  a pipe to the parent


if __name__ == "__main__":
    main()

"""Moments, states and differences as JSON, for the routes and for `daybook audit`."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from application.past import LogMoment, PastLog, PastState, When
from domain.log_position import position_of, position_text
from interfaces.http.audit.state import State, state_of
from interfaces.http.framework.fields import exact_instant


def when(value: Any) -> When:
    """A position, or an instant to the microsecond. Raises PydanticCustomError."""
    position = position_of(value) if isinstance(value, str) else None
    return exact_instant(value) if position is None else position


def moment_body(moment: LogMoment) -> dict[str, Any]:
    """A moment as JSON."""
    return {"position": position_text(moment.position), "at": exact(moment.at), "until": exact(moment.until)}


def exact(moment: datetime | None) -> str | None:
    """An instant in UTC to the microsecond: what `at` takes."""
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


async def state_body(stream: UUID, found: PastState, log: PastLog) -> dict[str, Any]:
    """A state as JSON."""
    assert found.aggregate is not None
    about = {"stream": str(stream), "kind": type(found.aggregate).__name__, "version": found.aggregate.version}
    return {**about, **moment_body(found.moment), "state": await _state(found, log)}


async def difference_body(stream: UUID, before: PastState, after: PastState, past: PastLog) -> dict[str, Any]:
    """The difference of two states as JSON; one of them may be from before the first event."""
    there = after.aggregate or before.aggregate
    return {
        "stream": str(stream),
        "kind": type(there).__name__,
        "from": _compared(before),
        "to": _compared(after),
        "changes": [
            {"pointer": pointer, "before": old, "after": new}
            for pointer, old, new in differences(await _state(before, past), await _state(after, past))
        ],
    }


async def _state(found: PastState, log: PastLog) -> State:
    return {} if found.aggregate is None else await state_of(found.aggregate, log.at(found.moment.position))


def _compared(found: PastState) -> dict[str, Any]:
    return {**moment_body(found.moment), "version": found.aggregate.version if found.aggregate else 0}


def differences(before: State, after: State, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Where the two differ, as a JSON Pointer with both values; None for a field that one of them lacks.

    Objects are compared field by field, lists as a whole.
    """
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name), after.get(name)
        pointer = f"{place}/{name.replace('~', '~0').replace('/', '~1')}"
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from differences(dict(old), dict(new), pointer)
        elif old != new:
            yield pointer, old, new

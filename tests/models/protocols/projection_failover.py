"""Projections over a failover with loss: a page that was read from the old server, applied on the new one.

`projections/engine`: `Projector`, `EventFeed`, `apply` with `_MOVE`. Checkpoints, pages and rows go over connections of
one pool, and some of them still reach the old server, which answers. An event is shown by its branch: `a`, or `b` of
the log that goes on after the failover. The rows of a server are the events that were applied there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tests.models.checker import Model, replaced

SAME = "the rows of the new server are of its log"


class Projecting(NamedTuple):
    """`at`: the checkpoint that was loaded; -1 for none. `page`: the log up to the end of the page that was read."""

    at: int = -1
    page: str = ""


class FailoverState(NamedTuple):
    """`logs`, `rows`: of the old server, and of the new one; None before the failover."""

    logs: tuple[str, str | None]
    rows: tuple[str, str]
    projectors: tuple[Projecting, ...]


class ProjectionFailoverModel(Model[FailoverState]):
    """`asks`: whether the page is of the log that its rows go to."""

    def __init__(self, *, projectors: int = 2, events: int = 3, asks: bool = True) -> None:
        self._projectors, self._events, self._asks = projectors, events, asks

    def initial(self) -> FailoverState:
        return FailoverState(("", None), ("", ""), (Projecting(),) * self._projectors)

    def canonical(self, state: FailoverState) -> FailoverState:
        return state._replace(projectors=tuple(sorted(state.projectors)))

    def broken(self, state: FailoverState) -> Iterator[str]:
        log = state.logs[1]
        if log is not None and not log.startswith(state.rows[1]):
            yield SAME

    def steps(self, state: FailoverState) -> Iterator[tuple[str, FailoverState]]:
        old, new = state.logs
        if len(old) < self._events:
            yield "an event on the old server", state._replace(logs=(old + "a", new))
        if new is None:
            yield from self._fails_over(state, old)
        elif len(new) < self._events:
            yield "an event on the new server", state._replace(logs=(old, new + "b"))
        for number, each in enumerate(state.projectors):
            for server, log in enumerate(state.logs):
                if log is not None:
                    yield from self._projects(state, number, each, server, log)

    def _fails_over(self, state: FailoverState, old: str) -> Iterator[tuple[str, FailoverState]]:
        """The new server has a former state of the old one: what is committed first is there first."""
        for kept in range(len(old) + 1):
            for rows in range(min(kept, len(state.rows[0])) + 1):
                after = state._replace(logs=(old, old[:kept]), rows=(state.rows[0], state.rows[0][:rows]))
                yield f"failover with {kept} events and the rows of {rows}", after

    def _projects(
        self, state: FailoverState, number: int, each: Projecting, server: int, log: str
    ) -> Iterator[tuple[str, FailoverState]]:
        where = ("old", "new")[server]
        if each.at < 0:
            loaded = Projecting(len(state.rows[server]))
            yield f"loads {loaded.at} from the {where} server", self._put(state, number, loaded)
        elif not each.page:
            if each.at < len(log):
                yield f"reads up to {log} on the {where} server", self._put(state, number, each._replace(page=log))
        else:
            moved = self._move(state, each, server, log)
            yield f"applies {each.page} on the {where} server", self._put(moved, number, Projecting())

    def _move(self, state: FailoverState, each: Projecting, server: int, log: str) -> FailoverState:
        """`_MOVE`: compared with the checkpoint, and the last event of the page with the log."""
        ours = log.startswith(each.page) or not self._asks
        if len(state.rows[server]) != each.at or not ours:
            return state
        rows = state.rows[server] + each.page[each.at :]
        return state._replace(rows=(rows, state.rows[1]) if server == 0 else (state.rows[0], rows))

    def _put(self, state: FailoverState, number: int, each: Projecting) -> FailoverState:
        return state._replace(projectors=replaced(state.projectors, number, each))

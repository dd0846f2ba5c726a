"""What an operation costs: how many a second, and how much CPU one takes on all processes that work for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bench.tools import processes
from bench.tools.figure import Figure, Target, Turns
from bench.tools.load import Outcome


def measured(thing: str, pids: tuple[int, ...], send: Callable[[], Outcome]) -> Mapping[str, float]:
    """Rate and CPU by unit. `pids`: those whose CPU counts, with all that they start."""
    before = processes.cpu(*pids)
    outcome = send()
    spent = processes.cpu(*pids) - before
    return {rate_of(thing): outcome.rate, cost_of(thing): 1e6 * spent / len(outcome.statuses)}


def rate_of(thing: str) -> str:
    return f"{thing}s/s"


def cost_of(thing: str) -> str:
    return f"us CPU/{thing}"


def both(turns: Turns, thing: str, ours: str, control: str, target: float | None = None) -> tuple[Figure, Figure]:
    """The figures of two sides. `target`: of the rate, at least."""
    rate = turns.figure(ours, control, rate_of(thing), None if target is None else Target(target))
    return rate, turns.figure(ours, control, cost_of(thing))

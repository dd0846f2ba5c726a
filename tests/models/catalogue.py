"""The models, each with what it is about, its bounds and faults, and exactly the promises that it finds broken.

A promise that is listed as broken is a known gap of the code: whoever mends it takes it off the list, and a test fails
until then. docs/models.md shows this list, docs/guarantees.md each model beside its promise.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.models.checker import Model
from tests.models.protocols.append import AppendModel
from tests.models.protocols.cached_answers import IN_TIME, CacheModel
from tests.models.protocols.deliveries import DeliveryModel
from tests.models.protocols.earliest import EarliestModel
from tests.models.protocols.erasure import ErasureModel
from tests.models.protocols.job_queue import CANCELLED, SLEPT, TWICE, JobQueueModel
from tests.models.protocols.one_time_secrets import CodeModel, ResetLinkModel
from tests.models.protocols.process_cache import ProcessCacheModel
from tests.models.protocols.projection_failover import ProjectionFailoverModel
from tests.models.protocols.projections import ProjectionModel
from tests.models.protocols.sessions import RefreshModel, ResetModel
from tests.models.protocols.slow_workers import ClaimingModel
from tests.models.protocols.token_revocation import SECOND, RevocationModel


@dataclass(frozen=True)
class Listed:
    """A model in the list.

    `states`, `depth`: of all that it can reach; `broken`: exactly the promises that do not hold.
    """

    title: str
    bounds: str
    make: Callable[[], Model[Any]]
    states: int
    depth: int
    broken: frozenset[str] = frozenset()
    long: bool = False


def gaps(*promises: str) -> frozenset[str]:
    return frozenset(promises)


MODELS = [
    Listed(
        "append",
        "2 commands, 1 other write; a connection lost, backends orphaned",
        lambda: AppendModel(faults=1),
        states=5_256,
        depth=21,
    ),
    Listed(
        "append, 3 faults",
        "2 commands, 1 other write; 3 connections lost, backends orphaned",
        lambda: AppendModel(faults=3),
        states=82_270,
        depth=26,
        long=True,
    ),
    Listed(
        "append, 2 other writes",
        "2 commands, 2 other writes; 2 connections lost, backends orphaned",
        lambda: AppendModel(others=2),
        states=116_148,
        depth=27,
        long=True,
    ),
    Listed(
        "append, failover with loss",
        "2 commands, 1 other write; failover with loss, the old server ends",
        lambda: AppendModel(failover=True, faults=1),
        states=11_133,
        depth=24,
    ),
    Listed(
        "append, failover with loss, 2 faults",
        "2 commands, 1 other write; a connection lost, failover with loss, the old server ends",
        lambda: AppendModel(failover=True),
        states=77_896,
        depth=28,
        long=True,
    ),
    Listed(
        "append, superseded server",
        "1 command, 2 other writes; a connection lost, failover with loss, the old server answers",
        lambda: AppendModel(commands=1, others=2, failover=True, old_answers=True),
        states=8_883,
        depth=21,
    ),
    Listed(
        "append, superseded server, 2 commands",
        "2 commands, 1 other write; the same faults",
        lambda: AppendModel(others=1, failover=True, old_answers=True),
        states=160_982,
        depth=28,
        long=True,
    ),
    Listed(
        "projections",
        "2 projectors, 4 events, a query; pages ended anywhere",
        lambda: ProjectionModel(events=4),
        states=522,
        depth=16,
    ),
    Listed(
        "projections, superseded server",
        "2 projectors, 3 events; failover with loss, the old server answers",
        ProjectionFailoverModel,
        states=10_776,
        depth=20,
    ),
    Listed(
        "projections, superseded server, 4 events",
        "2 projectors, 4 events; the same faults",
        lambda: ProjectionFailoverModel(events=4),
        states=51_268,
        depth=22,
        long=True,
    ),
    Listed(
        "rebuild, its lock lost",
        "1 projector, 2 rebuilds; a rebuild killed anywhere, or its lock lost",
        lambda: ProjectionModel(projectors=1, rebuilds=2, guard_lost=True, queries=False),
        states=8_858,
        depth=24,
    ),
    Listed(
        "rebuild",
        "2 projectors, 2 rebuilds, 3 events, a query; a rebuild killed anywhere",
        lambda: ProjectionModel(rebuilds=2, events=3),
        states=99_382,
        depth=30,
        long=True,
    ),
    Listed(
        "cached answers",
        "1 publisher, 2 events; Redis flushed or away, twice",
        lambda: CacheModel(faults=2),
        states=15_348,
        depth=26,
    ),
    Listed(
        "cached answers, 4 events",
        "1 publisher, 4 events; Redis flushed or away, twice",
        lambda: CacheModel(events=4, faults=2),
        states=132_252,
        depth=34,
        long=True,
    ),
    Listed(
        "cached answers, failover with loss",
        "1 publisher, 2 events; failover within the lease of the epoch",
        lambda: CacheModel(kinds=("failover",)),
        states=5_561,
        depth=29,
    ),
    Listed(
        "cached answers, Redis with less",
        "1 publisher, 2 events; Redis comes back without its last write",
        lambda: CacheModel(kinds=("less",)),
        states=1_822,
        depth=21,
    ),
    Listed(
        "cached answers, two publishers",
        "a paused leader wakes, 1 event, 2 epochs",
        lambda: CacheModel(publishers=2, events=1, faults=0, epochs=2),
        states=9_721,
        depth=18,
    ),
    Listed(
        "cached answers, two publishers, 3 epochs",
        "a paused leader wakes, 1 event, 3 epochs",
        lambda: CacheModel(publishers=2, events=1, faults=0),
        states=40_669,
        depth=21,
        long=True,
    ),
    Listed(
        "cached answers, two publishers, 2 events",
        "a paused leader wakes, 2 events, 2 epochs",
        lambda: CacheModel(publishers=2, faults=0, epochs=2),
        states=65_918,
        depth=22,
        long=True,
    ),
    Listed(
        "cached answers, a former publisher without Redis",
        "a paused leader wakes, 1 event; one publisher cannot reach Redis",
        lambda: CacheModel(publishers=2, events=1, kinds=("away",)),
        states=178_809,
        depth=23,
        broken=gaps(IN_TIME),
        long=True,
    ),
    Listed(
        "cached answers of a process",
        "2 events; the subscription breaks or another epoch begins; messages are late",
        lambda: ProcessCacheModel(faults=1),
        states=6_781,
        depth=17,
    ),
    Listed(
        "cached answers of a process, 3 events",
        "3 events; the subscription breaks or another epoch begins, twice; messages are late",
        lambda: ProcessCacheModel(events=3),
        states=61_332,
        depth=21,
        long=True,
    ),
    Listed("earliest starts", "1 leader, 3 events", lambda: EarliestModel(leaders=1), states=67, depth=10),
    Listed(
        "earliest starts, two leaders",
        "a paused leader wakes, and takes the table again",
        EarliestModel,
        states=4_830,
        depth=26,
    ),
    Listed(
        "jobs",
        "2 workers, moved once; a worker dies or sleeps",
        lambda: JobQueueModel(faults=1),
        states=2_701,
        depth=30,
        broken=gaps(TWICE, SLEPT, CANCELLED),
    ),
    Listed(
        "jobs, 3 faults",
        "2 workers, moved once; a worker dies or sleeps, three times",
        lambda: JobQueueModel(faults=3),
        states=57_374,
        depth=46,
        broken=gaps(TWICE, SLEPT, CANCELLED),
        long=True,
    ),
    Listed(
        "jobs, moved and cancelled",
        "2 workers, moved once, then cancelled; a worker dies or sleeps, twice",
        lambda: JobQueueModel(log="BMC"),
        states=80_448,
        depth=42,
        broken=gaps(TWICE, SLEPT, CANCELLED),
        long=True,
    ),
    Listed(
        "jobs, no faults",
        "2 workers, cancelled at any moment",
        lambda: JobQueueModel(log="BC", kinds=()),
        states=58,
        depth=13,
        broken=gaps(CANCELLED),
    ),
    Listed(
        "jobs that kill their workers",
        "3 attempts, 4 deaths",
        lambda: JobQueueModel(log="B", kinds=("dies",), faults=4),
        states=68,
        depth=26,
        broken=gaps(TWICE),
    ),
    Listed(
        "slow workers",
        "2 workers, 4 jobs; asleep for up to 2 of 3 ticks, a lease of 3",
        lambda: ClaimingModel(jobs=4),
        states=438,
        depth=12,
    ),
    Listed(
        "webhooks",
        "2 events and one of others, 2 workers; deaths, leases outslept, answers lost, refusals, twice",
        DeliveryModel,
        states=1_388,
        depth=21,
    ),
    Listed(
        "webhooks, redelivery",
        "an event is asked for again once its delivery is recorded; no faults",
        lambda: DeliveryModel(faults=0, asks="recorded"),
        states=172,
        depth=17,
    ),
    Listed(
        "webhooks, redelivery during a delivery",
        "an event is asked for again while a worker records its delivery; the faults of `webhooks`",
        lambda: DeliveryModel(asks="early"),
        states=6_798,
        depth=29,
    ),
    Listed(
        "webhooks, redelivery during a delivery, 3 faults",
        "the same; three faults",
        lambda: DeliveryModel(faults=3, asks="early"),
        states=11_604,
        depth=30,
        long=True,
    ),
    Listed("reset links", "2 links, 2 requests, an address changed", ResetLinkModel, states=409, depth=11),
    Listed("codes", "2 requests; a process ends at any step, twice", CodeModel, states=24, depth=7),
    Listed(
        "erasure",
        "a command and a booking meanwhile; ends at any step, twice; a restore",
        ErasureModel,
        states=267,
        depth=11,
    ),
    Listed(
        "token revocation",
        "9 s; commits are quick, refreshes do not hang",
        RevocationModel,
        states=75,
        depth=11,
    ),
    Listed(
        "token revocation, slow commits",
        "9 s; commits take any time",
        lambda: RevocationModel(slow=True),
        states=285,
        depth=11,
    ),
    Listed(
        "token revocation, slow refreshes",
        "9 s; commits and refreshes take any time",
        lambda: RevocationModel(slow=True, hangs=True),
        states=5_742,
        depth=12,
        broken=gaps(SECOND),
    ),
    Listed(
        "token revocation, suspended machine",
        "9 s; commits and refreshes take any time, the machine of the process is suspended",
        lambda: RevocationModel(slow=True, hangs=True, suspends=True),
        states=25_862,
        depth=12,
        broken=gaps(SECOND),
    ),
    Listed(
        "refresh tokens",
        "6 s, a grace period of 2 s, 4 uses; a thief copies a token",
        RefreshModel,
        states=11_225,
        depth=11,
    ),
    Listed("password reset", "a sign-in with the old password; ends at any step", ResetModel, states=6, depth=3),
]


def table() -> str:
    """A row for each model, for docs/models.md."""
    rows = []
    for each in MODELS:
        found = "; ".join(sorted(each.broken)) or "none"
        when = "long" if each.long else "quick"
        rows.append(f"| {each.title} | {each.bounds} | {each.states:,} ({each.depth}) | {when} | {found} |")
    head = "| model | bounds and faults | states (depth) | set | promises that do not hold |"
    return "\n".join([head, "|---|---|---|---|---|", *rows, *map(_total, ("quick", "long"))])


def _total(which: str) -> str:
    of = [each for each in MODELS if each.long == (which == "long")]
    states, depth = sum(each.states for each in of), max(each.depth for each in of)
    return f"| {len(of)} models | | {states:,} ({depth}) | {which} | |"


_BESIDE = re.compile(r"^- \[model\]\(models\.md\) `([^`]+)`.*$", re.MULTILINE)


def beside_promises(guarantees: str) -> str:
    """docs/guarantees.md, with bounds and result after the title of each model."""
    listed = {each.title: each for each in MODELS}
    return _BESIDE.sub(lambda found: _line(listed[found[1]]), guarantees)


def titles_in(guarantees: str) -> frozenset[str]:
    return frozenset(_BESIDE.findall(guarantees))


def _line(model: Listed) -> str:
    found = "does not hold: " + "; ".join(sorted(model.broken)) if model.broken else "holds"
    when = ", in the long set" if model.long else ""
    return f"- [model](models.md) `{model.title}`: {model.bounds}; {model.states:,} states{when}: {found}"

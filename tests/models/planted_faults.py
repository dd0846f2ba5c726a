"""Faults that are planted in the models, each with exactly the promises that must be found broken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.models.catalogue import gaps
from tests.models.checker import Model
from tests.models.protocols.append import ACKNOWLEDGED, AppendModel
from tests.models.protocols.append_state import LOST
from tests.models.protocols.cached_answers import IN_TIME, NAMED, CacheModel
from tests.models.protocols.deliveries import DELIVERED, DeliveryModel
from tests.models.protocols.earliest import COMPUTED, EarliestModel
from tests.models.protocols.erasure import AFTERWARDS, ENDS, READABLE, ErasureModel
from tests.models.protocols.job_queue import CANCELLED, CONFIRMED, GIVEN_UP, SLEPT, TWICE, JobQueueModel
from tests.models.protocols.one_time_secrets import FINISHES, ONCE, RECORDED_ONCE, VOID, CodeModel, ResetLinkModel
from tests.models.protocols.process_cache import FRESH, ProcessCacheModel
from tests.models.protocols.projection_failover import SAME, ProjectionFailoverModel
from tests.models.protocols.projections import FORWARD, GRACE, WHOLE, ProjectionModel
from tests.models.protocols.sessions import ENDED, FOUND_OUT, ONE, RefreshModel, ResetModel
from tests.models.protocols.slow_workers import DONE_IN_THE_END, ClaimingModel, MessagesModel
from tests.models.protocols.token_revocation import SECOND, SILENT, RevocationModel


@dataclass(frozen=True)
class Mutant:
    """A model with a fault that is planted, and the promises that must be found broken."""

    title: str
    make: Callable[[], Model[Any]]
    broken: frozenset[str]


MUTANTS = [
    Mutant("keys are not looked up", lambda: AppendModel(commands=1, faults=1, mutant="keys"), gaps(ACKNOWLEDGED)),
    Mutant("read sets are not compared", lambda: AppendModel(mutant="reads", faults=0), gaps(LOST)),
    Mutant(
        "seals are not asked for",
        lambda: AppendModel(commands=1, others=2, faults=1, failover=True, old_answers=True, mutant="seals"),
        gaps(LOST),
    ),
    Mutant(
        "epochs are not compared",
        lambda: AppendModel(commands=1, others=2, faults=1, failover=True, old_answers=True, mutant="epochs"),
        gaps(LOST),
    ),
    Mutant(
        "it is not asked whether a page is of this log",
        lambda: ProjectionFailoverModel(projectors=1, asks=False),
        gaps(SAME),
    ),
    Mutant("checkpoints are not compared", lambda: ProjectionModel(mutant="marks"), gaps(WHOLE, FORWARD)),
    Mutant(
        "what a killed rebuild has left is dropped at once",
        lambda: ProjectionModel(projectors=1, rebuilds=2, events=1, mutant="grace"),
        gaps(GRACE),
    ),
    Mutant("changes are not published", lambda: CacheModel(mutant="silent"), gaps(IN_TIME)),
    Mutant("a lead continues an epoch", lambda: CacheModel(kinds=("failover",), mutant="lead"), gaps(NAMED)),
    Mutant("publications are not counted", lambda: CacheModel(kinds=("less",), mutant="count"), gaps(IN_TIME)),
    Mutant(
        "the head is read before the epoch begins",
        lambda: CacheModel(publishers=2, events=1, faults=0, epochs=2, mutant="head"),
        gaps(IN_TIME),
    ),
    Mutant(
        "a publisher that finds another epoch waits",
        lambda: CacheModel(publishers=2, events=1, faults=0, epochs=2, mutant="pause"),
        gaps(IN_TIME),
    ),
    Mutant("a former leader is not refused", lambda: EarliestModel(mutant="fence"), gaps(COMPUTED)),
    Mutant("invalidations do not say how far", lambda: ProcessCacheModel(faults=1, floored=False), gaps(FRESH)),
    Mutant("leases are not asked for", lambda: JobQueueModel(log="B", mutant="lease"), gaps(TWICE, SLEPT, CONFIRMED)),
    Mutant(
        "the state is read before the lease is renewed",
        lambda: JobQueueModel(log="BC", kinds=(), mutant="order"),
        gaps(CANCELLED, CONFIRMED),
    ),
    Mutant(
        "a notice is confirmed before the mail server is connected",
        lambda: JobQueueModel(log="B", mutant="early"),
        gaps(TWICE, SLEPT, CONFIRMED),
    ),
    Mutant(
        "it is not asked whether the lease lasted",
        lambda: JobQueueModel(log="B", mutant="once"),
        gaps(TWICE, SLEPT, CONFIRMED),
    ),
    Mutant(
        "attempts are not counted",
        lambda: JobQueueModel(log="B", kinds=("dies",), faults=4, mutant="attempts"),
        gaps(TWICE, GIVEN_UP),
    ),
    Mutant("messages carry jobs", MessagesModel, gaps(DONE_IN_THE_END)),
    Mutant(
        "leases are not renewed",
        lambda: ClaimingModel(jobs=2, workers=2, lease=1, renews=False),
        gaps(DONE_IN_THE_END),
    ),
    Mutant(
        "a webhook's checkpoint is not compared",
        lambda: DeliveryModel(faults=0, asks="recorded", mutant="compare"),
        gaps(DELIVERED),
    ),
    Mutant(
        "of a webhook's checkpoint the position alone is compared",
        lambda: DeliveryModel(faults=0, asks="early", mutant="position"),
        gaps(DELIVERED),
    ),
    Mutant(
        "wake-ups look at new events alone",
        lambda: DeliveryModel(mutant="wake"),
        gaps(DELIVERED),
    ),
    Mutant("links are used without the lock", lambda: ResetLinkModel(mutant="lock"), gaps(ONCE)),
    Mutant("links are not bound to a state", lambda: ResetLinkModel(mutant="compare"), gaps(ONCE, VOID)),
    Mutant("a code is not locked", lambda: CodeModel(locks=False), gaps(RECORDED_ONCE)),
    Mutant(
        "a code is deleted first",
        lambda: CodeModel(early=True),
        gaps(FINISHES),
    ),
    Mutant("the read set lacks the person", lambda: ErasureModel(mutant="reads"), gaps(AFTERWARDS)),
    Mutant("the file is written last", lambda: ErasureModel(mutant="file"), gaps(READABLE, ENDS)),
    Mutant(
        "ends are looked for by their time", lambda: RevocationModel(slow=True, mutant="time"), gaps(SECOND, SILENT)
    ),
    Mutant(
        "the clock stands still during a suspension",
        lambda: RevocationModel(suspends=True, mutant="clock"),
        gaps(SECOND, SILENT),
    ),
    Mutant("a used token gives another one each time", lambda: RefreshModel(most=3, mutant="branch"), gaps(ONE)),
    Mutant("the use of a successor does not end the grace", lambda: RefreshModel(mutant="follow"), gaps(FOUND_OUT)),
    Mutant("a reset is two transactions", lambda: ResetModel(together=False), gaps(ENDED)),
    Mutant("a session is opened without the password", lambda: ResetModel(compared=False), gaps(ENDED)),
]

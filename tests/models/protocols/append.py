"""The append to the event log: idempotency keys, read sets, lost answers, orphaned backends, failover with loss.

`infrastructure/event_log`: `CommandAttempt`, `GroupCommitWriter`, `AppendConnection`, `PostgresJournal`, and
`log.append`.

A log is a row of tokens, each unique, so that two logs of one length can differ. One process carries out commands on
one stream, which is full at some length; others write to it too. A seal is the position and all that is before it.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.models.checker import Model, replaced
from tests.models.protocols.append_state import (
    FIRST,
    LOST,
    AppendState,
    Attempted,
    Call,
    Known,
    Line,
    Log,
    Sent,
    ended,
    holds,
    key_of,
    remembered,
    seen,
)

ACKNOWLEDGED = "an acknowledged command is recorded once"
TRUE = "a refusal is true"


class AppendModel(Model[AppendState]):
    """`mutant`: keys, reads, seals or epochs are not looked at."""

    def __init__(
        self,
        *,
        commands: int = 2,
        others: int = 1,
        faults: int = 2,
        full: int = 3,
        failover: bool = False,
        old_answers: bool = False,
        mutant: str = "",
    ) -> None:
        self._commands, self._others, self._faults, self._full = commands, others, faults, full
        self._failover, self._old_answers, self._mutant = failover, old_answers, mutant

    def initial(self) -> AppendState:
        line = Line(0, 0)
        commands = (Attempted(),) * self._commands
        logs: tuple[Log, Log] = ((FIRST,), ())
        return AppendState(logs, 0, False, Known(), line, line, commands, frozenset(), 0, 0, frozenset())

    def broken(self, state: AppendState) -> Iterator[str]:
        yield from state.wrong
        for number, each in enumerate(state.commands):
            told = each.phase == "done" and each.answer in {"recorded", "duplicate"}
            recorded = sum(token.startswith(key_of(number)) for token in state.logs[0])
            if state.live == 0 and told and recorded != 1:
                yield ACKNOWLEDGED

    def steps(self, state: AppendState) -> Iterator[tuple[str, AppendState]]:
        for number, each in enumerate(state.commands):
            for label, after in self._command(state, number, each):
                yield f"command {number}: {label}", after
        yield from self._other_writes(state)
        yield from self._fails_over(state)
        yield from self._orphans(state)

    def _command(self, state: AppendState, number: int, each: Attempted) -> Iterator[tuple[str, AppendState]]:
        steps = {
            "idle": self._begins,
            "reading": self._has_read,
            "queued": self._is_sent,
            "sent": self._is_answered,
            "peeking": self._peeks,
            "peeked": self._has_peeked,
            "answered": self._is_told,
        }
        if each.phase in steps:
            yield from steps[each.phase](state, number, each)

    # The steps of a command

    def _begins(self, state: AppendState, number: int, each: Attempted) -> Iterator[tuple[str, AppendState]]:
        """`CommandAttempt.find_all`: from the cache, or by a statement."""
        each = each._replace(epoch=state.known.epoch)
        if each.tries > 2:
            return
        if state.known.cached is not None:
            yield self._decides(state, number, each, state.known.cached)
        else:
            yield self._asks(state, number, each, "reading")

    def _asks(self, state: AppendState, number: int, each: Attempted, phase: str) -> tuple[str, AppendState]:
        """`PostgresJournal._select`: a connection of before this epoch is closed, and another opened."""
        line, known = state.reader, state.known
        if line is None or line.epoch != known.epoch or (line.server != state.live and not state.old_answers):
            line = Line(state.live, known.epoch)
        log = state.logs[line.server]
        verdict = "held" if holds(log, known.seals) or self._mutant == "seals" else "another log"
        sent = Sent(known.epoch, known.seals, log, verdict)
        return f"asks server {line.server}", self._put(
            state._replace(reader=line), number, each, phase=phase, sent=sent
        )

    def _has_read(self, state: AppendState, number: int, each: Attempted) -> Iterator[tuple[str, AppendState]]:
        """The answer arrives: `_is_known`, then `AggregateRepository.fetch`."""
        assert each.sent
        state, good = self._is_known(state, each.sent)
        if not good:
            yield "reads: another log, asks again", self._put(state, number, each, phase="idle", tries=each.tries + 1)
        elif each.epoch != state.known.epoch and self._mutant != "epochs":
            yield "reads: the epoch is over, again", self._put(state, number, each, phase="idle", tries=each.tries + 1)
        else:
            state = state._replace(known=remembered(state.known, each.sent.log))
            yield self._decides(state, number, each, each.sent.log)

    def _is_known(self, state: AppendState, sent: Sent) -> tuple[AppendState, bool]:
        if sent.verdict == "another log":
            return state._replace(known=ended(state.known, sent.epoch)), False
        if sent.epoch == state.known.epoch:
            return state._replace(known=seen(state.known, sent.seals, sent.log)), True
        return state, True

    def _decides(self, state: AppendState, number: int, each: Attempted, log: Log) -> tuple[str, AppendState]:
        phase = "peeking" if len(log) >= self._full else "queued"
        return f"decides on {list(log)}: {phase}", self._put(state, number, each, phase=phase, base=log, sent=None)

    def _is_sent(self, state: AppendState, number: int, each: Attempted) -> Iterator[tuple[str, AppendState]]:
        """`GroupCommitWriter._submit`, `AppendConnection.connect` and `append`."""
        if any(other.phase == "sent" for other in state.commands):
            return  # one append at a time
        if each.epoch != state.known.epoch and self._mutant != "epochs":
            yield "its epoch is over, again", self._put(state, number, each, phase="idle", tries=each.tries + 1)
        elif state.writer is None or state.writer.epoch != state.known.epoch:
            yield "the writer connects", self._connected(state)
        else:
            yield from self._appended(state, number, each, state.writer)

    def _connected(self, state: AppendState) -> AppendState:
        """`AppendConnection._look_around`."""
        log, known = state.logs[state.live], state.known
        if not holds(log, known.seals) and self._mutant != "seals":
            known = ended(known, known.epoch)
        return state._replace(known=seen(known, known.seals, log), writer=Line(state.live, known.epoch))

    def _appended(
        self, state: AppendState, number: int, each: Attempted, line: Line
    ) -> Iterator[tuple[str, AppendState]]:
        seals = state.known.seals
        call = Call(line.server, number, each.base, seals)
        after, verdict = self._append(state, call)
        sent = Sent(line.epoch, seals, after.logs[line.server], verdict)
        yield f"runs on server {line.server}: {verdict}", self._put(after, number, each, phase="sent", sent=sent)
        if state.faults < self._faults:
            lost = state._replace(writer=None, faults=state.faults + 1)
            yield "its connection breaks before it runs", lost._replace(orphans=lost.orphans | {call})

    def _append(self, state: AppendState, call: Call) -> tuple[AppendState, str]:
        """`log.append` on a server: the seals, then the key, then the read set."""
        server, number, base, seals = call
        log = state.logs[server]
        if not holds(log, seals) and self._mutant != "seals":
            return state, "another log"
        if any(token.startswith(key_of(number)) for token in log) and self._mutant != "keys":
            return state, "duplicate"
        if len(base) != len(log) and self._mutant != "reads":
            return state, "stale"
        wrong = state.wrong | ({LOST} if base != log else set())
        logs = replaced(state.logs, server, (*log, f"{key_of(number)}@{server}.{state.commands[number].tries}"))
        assert len(logs) == 2
        return state._replace(logs=logs, wrong=wrong), "recorded"

    def _is_answered(self, state: AppendState, number: int, each: Attempted) -> Iterator[tuple[str, AppendState]]:
        assert each.sent
        if state.faults < self._faults:
            lost = state._replace(writer=None, faults=state.faults + 1)
            yield "the answer is lost", self._put(lost, number, each, phase="queued", sent=None)
        verdict = each.sent.verdict
        if verdict == "another log":
            state = state._replace(known=ended(state.known, each.sent.epoch), writer=None)
            yield "another log", self._put(state, number, each, phase="queued", sent=None)
            return
        if each.sent.epoch == state.known.epoch:  # `AppendConnection._saw`
            state = state._replace(known=seen(state.known, each.sent.seals, each.sent.log))
        if verdict == "stale":
            yield "stale: learns, again", self._learned(state, number, each, each.sent.log)
        else:
            yield verdict, self._put(state, number, each, phase="answered", answer=verdict)

    def _learned(self, state: AppendState, number: int, each: Attempted, log: Log) -> AppendState:
        """`AggregateRepository.learn`."""
        known = state.known
        if each.epoch == known.epoch:
            missed = log[len(each.base) :]
            cached = known.cached
            known = known._replace(cached=(cached and missed and (*cached, *log[len(cached) :])) or None)
        return self._put(state._replace(known=known), number, each, phase="idle", tries=each.tries + 1)

    def _is_told(self, state: AppendState, number: int, each: Attempted) -> Iterator[tuple[str, AppendState]]:
        """`CommandAttempt._recorded`: a turn of the event loop after the writer has answered."""
        assert each.sent
        if each.answer == "recorded" and (each.epoch == state.known.epoch or self._mutant == "epochs"):
            own = (*each.base, each.sent.log[-1])
            state = state._replace(known=remembered(state.known, own))
        yield f"is told: {each.answer}", self._put(state, number, each, phase="done", sent=None)

    def _peeks(self, state: AppendState, number: int, each: Attempted) -> Iterator[tuple[str, AppendState]]:
        """`CommandAttempt.confirm`."""
        yield self._asks(state, number, each, "peeked")

    def _has_peeked(self, state: AppendState, number: int, each: Attempted) -> Iterator[tuple[str, AppendState]]:
        assert each.sent
        state, good = self._is_known(state, each.sent)
        log = each.sent.log
        if not good:
            yield "peeks: another log", self._put(state, number, each, phase="peeking", sent=None)
        elif each.epoch != state.known.epoch and self._mutant != "epochs":
            yield "peeks: its epoch is over, again", self._put(state, number, each, phase="idle", tries=each.tries + 1)
        elif any(token.startswith(key_of(number)) for token in log):
            yield "peeks: duplicate", self._put(state, number, each, phase="done", answer="duplicate")
        elif len(log) != len(each.base):
            yield "peeks: stale, again", self._learned(state, number, each, log)
        else:
            wrong = state.wrong | ({TRUE} if log != each.base else set())
            yield "is refused", self._put(state._replace(wrong=wrong), number, each, phase="done", answer="refused")

    # What others do

    def _other_writes(self, state: AppendState) -> Iterator[tuple[str, AppendState]]:
        if state.others < self._others:
            for server in {state.live} | ({0} if state.old_answers else set()):
                logs = replaced(state.logs, server, (*state.logs[server], f"other{state.others}@{server}"))
                assert len(logs) == 2
                yield f"another process writes on server {server}", state._replace(logs=logs, others=state.others + 1)

    def _fails_over(self, state: AppendState) -> Iterator[tuple[str, AppendState]]:
        """To a server that lacks the end of the log; the old one ends, or goes on answering old connections."""
        if not self._failover or state.live or state.faults >= self._faults:
            return
        for kept in range(1, len(state.logs[0]) + 1):
            after = state._replace(logs=(state.logs[0], state.logs[0][:kept]), live=1, faults=state.faults + 1)
            yield f"failover with {kept} positions", after._replace(writer=None, reader=None, orphans=frozenset())
            if self._old_answers:
                yield f"failover with {kept} positions, the old server answers", after._replace(old_answers=True)

    def _orphans(self, state: AppendState) -> Iterator[tuple[str, AppendState]]:
        if state.old_answers and state.writer and state.writer.server == 0:
            yield "the writer's connection breaks", state._replace(writer=None)
        for orphan in state.orphans:
            without = state._replace(orphans=state.orphans - {orphan})
            after, verdict = self._append(without, orphan)
            yield f"the orphaned backend of command {orphan.number} runs: {verdict}", after
            yield f"the orphaned backend of command {orphan.number} ends", without

    def _put(self, state: AppendState, number: int, each: Attempted, **changes: object) -> AppendState:
        commands = replaced(state.commands, number, each._replace(**changes))  # type: ignore[arg-type]
        return state._replace(commands=commands)

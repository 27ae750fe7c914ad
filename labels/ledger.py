"""The ledger: records what reviewers decide, and answers what is currently decided.

Each call is one transaction that appends an event and brings the derived tables (`decision`, `label`) up to date, so
what is acknowledged is on disk and what is shown is what the log says. `rebuild` derives everything anew.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from labels import beside, events, fold
from labels.events import DECIDE, REDO, UNDO, Event
from labels.glance import check_reviewer
from labels.model import WHOLE_RUN, Act, Decision, SetNone, StepRef, Target
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.chunks import ChunkRef
from sessions.errors import UsageError, UserError
from sessions.jsontext import canonical
from sessions.live import deciding
from sessions.store import Store, Transaction


def chunk_target(chunk: ChunkRef, policy: str) -> Target:
    """The target of a decision on a chunk."""
    return Target(
        id=chunk.id,
        scope="chunk",
        number=chunk.number,
        first=StepRef(id=chunk.first_step, index=chunk.first),
        last=StepRef(id=chunk.last_step, index=chunk.last),
        policy=policy,
    )


def run_target(store: Store, run: RunInfo) -> Target:
    """The target of a decision on the whole run. Raises UserError if the run has no steps."""
    first, last = catalog.step_id(store, run.no, 0), catalog.step_id(store, run.no, run.steps - 1)
    if first is None or last is None:
        raise UserError("this run has no steps.", "There is nothing to decide on.")
    return Target(
        id=WHOLE_RUN,
        scope="run",
        number=0,
        first=StepRef(id=first, index=0),
        last=StepRef(id=last, index=run.steps - 1),
        policy="",
    )


class Ledger:
    """Decisions of one reviewer, and reading access to everybody's."""

    def __init__(self, store: Store, reviewer: str) -> None:
        """reviewer: a name of 1 to 80 printable characters. Raises UsageError otherwise."""
        self.store, self.reviewer = store, check_reviewer(reviewer)

    # -- writing ------------------------------------------------------------------------------------------------

    def record(self, run: RunInfo, act: Act) -> Event:
        """Append a decision. It is on disk when this returns.

        Raises UsageError where it contradicts itself ("none" beside labels of the same codebook).
        """
        with self.store.write() as tx:
            return record_act(tx, self.reviewer, run.id, run.content_id, act)

    def undo(self, run: RunInfo) -> Event | None:
        """Take this reviewer's last act on the run back; None if there is nothing left to undo.

        Raises UserError if it decided on a gate and the agent has acted on it.
        """
        return self._step_back_or_forth(run, UNDO)

    def redo(self, run: RunInfo) -> Event | None:
        """Do what was last undone again; None if there is nothing."""
        return self._step_back_or_forth(run, REDO)

    def _step_back_or_forth(self, run: RunInfo, kind: str) -> Event | None:
        with self.store.write() as tx:
            ids = ids_in(tx, run.id)
            origin = tx.execute("SELECT value FROM meta WHERE name = 'origin'")[0][0]
            mine = [event for event in events.of_runs(tx, ids, self.reviewer) if event.origin == origin]
            found = fold.stacks(mine)
            stack = found.undo if kind == UNDO else found.redo
            if not stack:
                return None
            target = next(event for event in mine if event.id == stack[-1])
            if kind == UNDO:
                deciding.withdraw(tx, target.id)
            else:
                deciding.give_again(tx, target.id)
            event = events.append(
                tx,
                kind=kind,
                reviewer=self.reviewer,
                run=run.id,
                content_id=run.content_id,
                chunk=target.chunk,
                payload={"target": target.id},
            )
            derive(tx, ids, self.reviewer, target.chunk)
        return event

    # -- reading ------------------------------------------------------------------------------------------------

    def decisions(self, run: RunInfo, *, everybody: bool = False) -> list[Decision]:
        """Current decisions on a run, this reviewer's or everybody's, in the order of their steps."""
        adopt(self.store)
        ids = catalog.ids_of(self.store, run.id)
        sql = f"SELECT data FROM decision WHERE run IN ({', '.join('?' * len(ids))})"
        params = list(ids)
        if not everybody:
            sql, params = sql + " AND reviewer = ?", [*params, self.reviewer]
        found = [Decision.model_validate_json(row[0]) for row in self.store.query(sql, params)]
        return sorted(found, key=lambda decision: (decision.target.first.index, decision.target.id, decision.reviewer))

    def history(self, run: RunInfo) -> list[Event]:
        """Every event on a run, of everybody, in order."""
        return events.of_runs(self.store, catalog.ids_of(self.store, run.id))

    def can_undo_redo(self, run: RunInfo) -> tuple[int, int]:
        """How many acts of this reviewer can be undone and redone; none before one that an agent has acted on."""
        origin = self.store.query("SELECT value FROM meta WHERE name = 'origin'")[0][0]
        ids = catalog.ids_of(self.store, run.id)
        mine = events.of_runs(self.store, ids, self.reviewer)
        found = fold.stacks(event for event in mine if event.origin == origin)
        fixed = deciding.acted_on(self.store, ids)
        undo = next((count for count, event in enumerate(reversed(found.undo)) if event in fixed), len(found.undo))
        return undo, len(found.redo)


def record_act(tx: Transaction, reviewer: str, run: str, content_id: str | None, act: Act) -> Event:
    """Append an act to the log, and derive what it changes. run: the run's id. Raises UsageError as `Ledger.record`."""
    ids = ids_in(tx, run)
    act = _again(tx, ids, reviewer, _knowing(tx, ids, reviewer, act))
    _check(tx, ids, reviewer, act)
    event = events.append(
        tx,
        kind=DECIDE,
        reviewer=reviewer,
        run=run,
        content_id=content_id,
        chunk=act.target.id,
        payload=act.payload(),
    )
    derive(tx, ids, reviewer, act.target.id)
    return event


def _check(tx: Transaction, ids: Sequence[str], reviewer: str, act: Act) -> None:
    says_none = [op.codebook.id for op in act.ops if isinstance(op, SetNone) and op.value]
    if not says_none:
        return
    said = events.of_runs(tx, ids, reviewer, act.target.id)
    so_far = fold.decision(said, ids[0], repeat=act.repeat) or Decision(
        run=ids[0], reviewer=reviewer, target=act.target
    )
    for op in act.ops:
        so_far = fold.apply_op(so_far, op)
    after = {label.codebook.id for label in so_far.labels}
    if clash := sorted(after.intersection(says_none)):
        raise UsageError(f'"none" was said of {clash[0]}, but there are labels of it here.', "Remove the labels first.")


def _knowing(tx: Transaction, ids: Sequence[str], reviewer: str, act: Act) -> Act:
    """The act with what it builds on that was recorded elsewhere: after a merge, or in the database that this one is a
    copy of. Without, its place among that would be a matter of chance."""
    marks = ", ".join("?" * len(ids))
    rows = tx.execute(
        f"SELECT origin, max(seq) FROM event WHERE run IN ({marks}) AND reviewer = ? AND chunk = ?"
        " AND origin <> (SELECT value FROM meta WHERE name = 'origin') GROUP BY origin",
        [*ids, reviewer, act.target.id],
    )
    return act.model_copy(update={"after": {str(origin): int(seq) for origin, seq in rows}}) if rows else act


def _again(tx: Transaction, ids: Sequence[str], reviewer: str, act: Act) -> Act:
    """The act as one of a second reading, while a queue has given this chunk to the reviewer again."""
    rows = tx.execute(
        f"SELECT 1 FROM queue_item i JOIN queue_lease l ON l.queue = i.queue AND l.place = i.place AND l.repeat_no = 1"
        f" WHERE i.run IN ({', '.join('?' * len(ids))}) AND l.reviewer = ? AND i.chunk = ?",
        [*ids, reviewer, act.target.id],
    )
    return act.model_copy(update={"repeat": 1}) if rows and act.how == "person" else act


def ids_in(tx: Transaction, run: str) -> list[str]:
    """Every id of the run, the one it has now first. It may have been joined with another since it was read."""
    if joined := tx.execute("SELECT run FROM run_alias WHERE alias = ?", [run]):
        run = str(joined[0][0])
    return [run, *(row[0] for row in tx.execute("SELECT alias FROM run_alias WHERE run = ?", [run]))]


def derive(tx: Transaction, ids: Sequence[str], reviewer: str, chunk: str) -> None:
    """Bring the derived rows of one reviewer's chunk in line with the log. ids: all ids of the run, its own first."""
    every, run = list(ids), ids[0]
    for table in ("decision", "label", "judgement", *beside.TABLES):
        marks = ", ".join("?" * len(every))
        tx.execute(
            f"DELETE FROM {table} WHERE run IN ({marks}) AND reviewer = ? AND chunk = ?", [*every, reviewer, chunk]
        )
    said = events.of_runs(tx, every, reviewer, chunk)
    current = fold.decision(said, run)
    if current is None:
        return
    data = current.model_dump_json()
    tx.execute(
        "INSERT INTO decision VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            run,
            reviewer,
            chunk,
            current.target.scope,
            current.target.policy,
            current.verdict,
            data,
            current.at,
        ],
    )
    tx.execute(
        "INSERT INTO judgement VALUES (?, ?, ?, ?, ?, ?, ?)",
        [run, reviewer, chunk, current.verdict, current.how, blindness(current), judges(current)],
    )
    tx.many(
        "INSERT INTO label VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (label.id, run, reviewer, chunk, label.mode, label.codebook.id, label.codebook.version,
             label.codebook.sha256, label.first.id, label.last.id, label.first.index, label.last.index,
             SURE * label.sure + ROOT * label.root_cause, label.agent)
            for label in current.labels
        ],
    )  # fmt: skip
    beside.derive(tx, run, orjson.loads(data), said)


#: Bits of `judgement.blind`, and of `label.flags`.
BLIND_VOTES, BLIND_SUGGESTIONS = 1, 2
SURE, ROOT = 1, 2


def blindness(decision: Decision) -> int:
    """What was hidden when it was made, as bits."""
    return BLIND_VOTES * decision.blind_votes + BLIND_SUGGESTIONS * decision.blind_suggestions


def judges(decision: Decision) -> str:
    """What a decision judges, as JSON: [codebook id, its hash, slugs of the only modes judged or null] for each
    codebook of which it says labels or "none". The same text for most decisions, so that reading it again is cheap."""
    only = {item.codebook.id: sorted(item.modes) for item in decision.judged}
    refs = {ref.id: ref.sha256 for ref in (*decision.none, *(label.codebook for label in decision.labels))}
    return canonical([[name, sha256, only.get(name)] for name, sha256 in sorted(refs.items())]).decode()


def fill_judgements(store: Store) -> None:
    """Derive what decisions recorded by an earlier version of the program lack. Cheap if there is nothing to do."""
    counts = store.query("SELECT (SELECT count(*) FROM decision), (SELECT count(*) FROM judgement)")
    if counts[0][0] == counts[0][1] or store.read_only:
        return
    missing = (
        "SELECT run, reviewer, chunk FROM decision d WHERE NOT EXISTS (SELECT 1 FROM judgement j"
        " WHERE j.run = d.run AND j.reviewer = d.reviewer AND j.chunk = d.chunk)"
    )
    with store.write() as tx:
        for run, reviewer, chunk in tx.execute(missing):
            derive(tx, ids_in(tx, run), reviewer, chunk)


def adopt(store: Store) -> None:
    """Derive anew what was decided on a run that has been joined with another since: it counts for that one now."""
    sql = "SELECT a.run, d.reviewer, d.chunk FROM decision d JOIN run_alias a ON a.alias = d.run"
    if store.read_only or not store.query(f"{sql} LIMIT 1"):
        return
    with store.write() as tx:
        for run, reviewer, chunk in tx.execute(sql):
            derive(tx, ids_in(tx, run), reviewer, chunk)


def rebuild(store: Store) -> int:
    """Derive every decision anew from the log; how many there are."""
    with store.write() as tx:
        for table in ("decision", "label", "judgement", *beside.TABLES):
            tx.execute(f"DELETE FROM {table}")
        tx.execute("DELETE FROM meta WHERE name = 'beside'")
        owner = {row[0]: row[1] for row in tx.execute("SELECT alias, run FROM run_alias")}
        found: set[tuple[str, str, str]] = {
            (str(owner.get(run, run)), str(reviewer), str(chunk))
            for run, reviewer, chunk in tx.execute("SELECT DISTINCT run, reviewer, chunk FROM event")
        }
        for run, reviewer, chunk in sorted(found):
            derive(tx, ids_in(tx, run), reviewer, chunk)
        return int(tx.execute("SELECT count(*) FROM decision")[0][0])

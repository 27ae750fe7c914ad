"""A piece of a release: the bytes and counts of some runs. Pieces are made here or in processes of their own, and put
together in order, so that the result is the same either way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

import orjson

from labels import adjudication
from labels.codebook import Codebooks
from labels.gold.books import Books, State, books_of
from labels.gold.hiding import Hiding, Hit, Review
from labels.gold.people import People
from labels.gold.queued import Queued
from labels.gold.rows import RunRows
from labels.gold.rule import Rule
from labels.gold.said import Said, said_of
from labels.gold.settle import Row, settle_run, summary, unit_order
from labels.gold.splits import Splits
from labels.gold.tables import Tables
from sessions import catalog
from sessions.bodies import StoredStep
from sessions.catalog import RunInfo
from sessions.errors import UsageError
from sessions.jsontext import canonical as canonical_json
from sessions.readers.shared import title_of
from sessions.run import Header
from sessions.store import Store
from sessions.writers import canonical
from sessions.writers.base import Recorded

RUNS, VOTES, LABELS = "runs.jsonl", "votes.jsonl", "labels.jsonl"
SUGGESTIONS, ADJUDICATIONS, GOLD = "suggestions.jsonl", "adjudications.jsonl", "gold.jsonl"
#: What the queue gave out; only where a release is limited to one.
QUEUE = "queue.jsonl"
DATA = (RUNS, VOTES, LABELS, SUGGESTIONS, ADJUDICATIONS, GOLD)
#: What is kept of a run's facts: where it comes from. Others hold paths, hosts and versions of somebody's machine.
FACTS = ("benchmark", "benchmark_name", "dataset", "llm_name", "round", "trace_key", "trace_index")
TWINS = "runs that are another one once secrets are hidden"


@dataclass(frozen=True)
class Options:
    """What is asked for. name: of the release; version: of the dataset, as its makers count. licence: of the data, as
    those who may give it say. queue: id of the one queue that it is limited to, "" for none."""

    name: str
    rule: Rule = field(default_factory=Rule)
    people: People = field(default_factory=People)
    splits: Splits = field(default_factory=lambda: Splits("review-tui"))
    version: str = "1"
    licence: str = ""
    queue: str = ""

    def check(self) -> None:
        """Raises UsageError for a name, version or licence that cannot be one."""
        for what, text in (("name", self.name), ("version", self.version), ("licence", self.licence or "none")):
            if not text.strip() or len(text) > 80 or not text.isprintable():
                raise UsageError(f"that cannot be a release's {what}.", "Use 1 to 80 printable characters.")


@dataclass
class Piece:
    """Some runs of a release. ids: theirs, in order. data: file -> its bytes. rows: file -> how many. states: of
    codebooks, that votes were made with beside those that count. hidden, kept, unreviewed: as in `Review`."""

    tables: Tables
    ids: list[str] = field(default_factory=list)
    data: dict[str, list[bytes]] = field(default_factory=lambda: {name: [] for name in (*DATA, QUEUE)})
    rows: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    states: set[State] = field(default_factory=set)
    hidden: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    unreviewed: Counter[Hit] = field(default_factory=Counter)

    def put(self, name: str, items: Sequence[Row]) -> None:
        """Rows of a file."""
        if items:
            self.data[name].append(b"\n".join([*map(canonical_json, items), b""]))
            self.rows[name] += len(items)


class Maker:
    """Makes pieces of what the database holds: call it in a snapshot. books: the codebooks that count. queued: the
    queue that the release is limited to."""

    def __init__(self, store: Store, options: Options, review: Review, books: Books | Codebooks | None) -> None:
        """books: those that count, or those at hand."""
        self.store, self.options = store, options
        self._accept, self._choices = review.accept, review.choices
        self.queued = Queued(store, options.queue) if options.queue else None
        self.books = books if isinstance(books, Books) else books_of(store, books, self.queued)
        self._settled = adjudication.settled_runs(store)

    def make(self, runs: Sequence[RunInfo], skip: Set[str] = frozenset()) -> Piece:
        """The piece of these runs. skip: ids of other runs of the release, of which there must not be another."""
        piece = Piece(Tables(self.books))
        review = Review(self._accept, self._choices)
        for run in runs:
            said = said_of(self.store, run, piece.left_out, queued=self.queued)
            if said.votes:
                self._run(piece, said, review, skip)
        piece.hidden, piece.kept, piece.unreviewed = review.hidden, review.kept, review.unreviewed
        piece.states = self.books.others()
        return piece

    def _run(self, piece: Piece, said: Said, review: Review, skip: Set[str]) -> None:
        suggestions = suggestions_of(self.store, said.run)
        ruled_on = not self._settled.isdisjoint(said.ids)
        rulings = rulings_on(self.store, said.run, self.queued) if ruled_on else []
        notes, anchors = notes_of(said, suggestions, rulings), anchors_of(said, suggestions)
        hiding = Hiding(self.store, said.run, review, notes, anchors)
        if hiding.run_id in skip or hiding.run_id in piece.ids:
            piece.left_out[TWINS] += 1
            return
        piece.ids.append(hiding.run_id)
        rows = RunRows(said, hiding, self.options.people, piece.left_out)
        suggested = rows.suggestions(suggestions)
        for vote in said.votes:
            rows.add(vote, suggestions)
        rows.sort()
        ruled = adjudication_rows(rows, rulings)
        gold = settle_run(
            rows.run_id, rows.votes, rows.labels, ruled, self.books, self.options.rule, piece.left_out,
            piece.tables.judged,
        )  # fmt: skip
        head = self._head(said.run, hiding)
        self._steps(piece, said.run, hiding, head, gold)
        written = ((VOTES, rows.votes), (LABELS, rows.labels), (SUGGESTIONS, suggested), (ADJUDICATIONS, ruled))
        for name, items in (*written, (GOLD, gold), (QUEUE, self._given_out(rows, said.run))):
            piece.put(name, items)
        piece.tables.add(head, rows, suggested, ruled, gold)

    def _given_out(self, rows: RunRows, run: RunInfo) -> list[Row]:
        """The items of the queue in this run, decided on or not."""
        found = []
        for chunk, item in (self.queued.of(run.id) if self.queued is not None else {}).items():
            unit = rows.unit_at(chunk, item.first, item.last)
            if unit is not None:
                found.append({"run_id": rows.run_id, "unit": unit, **item.as_json()})
        return sorted(found, key=lambda row: unit_order(row["unit"]))

    def _head(self, run: RunInfo, hiding: Hiding) -> Row:
        task = hiding.text(run.task or "")
        task_id = self.options.splits.task_id(task or f"run {hiding.run_id}")
        return {
            "run_id": hiding.run_id,
            "task_id": task_id,
            "split": self.options.splits.of(task_id),
            "task": task,
            "steps": run.steps,
            "system": hiding.text(run.system or ""),
            "model": hiding.text(run.model or ""),
            "redacted": not hiding.clean,
        }

    def _steps(self, piece: Piece, run: RunInfo, hiding: Hiding, head: Row, gold: list[Row]) -> None:
        told = {"run_id": head["run_id"], "task_id": head["task_id"], "split": head["split"]}
        kept = {name: hiding.value(run.facts[name]) for name in FACTS if name in run.facts}
        reference = {
            "gold": {
                "release": self.options.name,
                **self.options.rule.as_json(),
                "runs": summary(gold, run.steps),
                "units": gold,
            }
        }
        header = Header(
            run.format, title_of(head["task"]), head["task"] or None, head["system"] or None, head["model"] or None,
            hiding.text(run.native_id) if run.native_id else None, run.started_at,
            reference=reference, facts={**told, **kept},
        )  # fmt: skip
        lines = canonical.write(_Released(header, hiding))
        piece.data[RUNS] += [line.encode("utf-8", "replace") for line in lines]
        piece.rows[RUNS] += 1


class _Released(Recorded):
    """A run as it is released, for the writer of canonical runs: without the source's own records."""

    def __init__(self, header: Header, hiding: Hiding) -> None:
        self.header, self.with_raw, self.without_raw = header, False, 0
        self._hiding = hiding

    def steps(self) -> Iterator[StoredStep]:
        return self._hiding.steps()


def suggestions_of(store: Store, run: RunInfo) -> dict[str, dict[str, Any]]:
    """All suggestions for a run by id, those that were replaced as well: somebody may have answered them."""
    rows: dict[str, dict[str, Any]] = {}
    for name in catalog.ids_of(store, run.id):
        found = store.query("SELECT id, data FROM suggestion WHERE run = ? ORDER BY id", [name])
        rows = {**{str(key): orjson.loads(data) for key, data in found}, **rows}
    return rows


def notes_of(said: Said, suggestions: Mapping[str, Row], rulings: Any) -> list[str]:
    """Every text that people and detectors wrote about a run."""
    found = [text for name in FACTS for text in _strings(said.run.facts.get(name))]
    for vote in said.votes:
        found.append(vote.decision["note"])
        found += [text for label in vote.decision["labels"] for text in (label["note"], label.get("agent") or "")]
    found += [item["rationale"] for item in suggestions.values()]
    found += [text for _, _, ruling in rulings for text in (ruling.note, ruling.guideline)]
    return sorted(filter(None, found))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def anchors_of(said: Said, suggestions: Mapping[str, Row]) -> set[str]:
    """Ids of the steps that evidence quotes."""
    labels = [label for vote in said.votes for label in vote.decision["labels"]]
    return {place["step"]["id"] for item in (*labels, *suggestions.values()) for place in item["evidence"]}


def rulings_on(store: Store, run: RunInfo, queued: Queued | None) -> list[Any]:
    """What was settled on a run; queued: on what is in that queue."""
    rulings = adjudication.rulings_of(store, run)
    return rulings if queued is None else [item for item in rulings if item[1].target.id in queued.of(run.id)]


def adjudication_rows(rows: RunRows, rulings: Any) -> list[Row]:
    """Rulings as they are released."""
    found: list[Row] = []
    for event, said, ruling in rulings:
        unit = rows.unit(said.target.model_dump())
        spans = [(rows.step(span.first.model_dump()), rows.step(span.last.model_dump())) for span in ruling.steps]
        if unit is None:
            continue
        found.append(
            {
                "run_id": rows.run_id,
                "unit": unit,
                "codebook": {
                    "id": ruling.codebook.id, "version": ruling.codebook.version, "sha256": ruling.codebook.sha256,
                },
                "mode": ruling.mode,
                "outcome": ruling.outcome,
                "reason": ruling.reason,
                "note": rows.text(ruling.note),
                "guideline": rows.text(ruling.guideline),
                "steps": [{"first": first, "last": last} for first, last in spans if first and last],
                "annotator": rows.annotator(event.reviewer),
                "role": "adjudicator",
                "blind": said.blind,
                "seconds": said.seconds,
                "at": event.at,
                "event_id": event.id,
                "event_hash": event.hash,
                "previous_event_hash": event.prev,
                "after": said.after,
                "tool": said.tool,
            }
        )  # fmt: skip
    return sorted(found, key=lambda row: (unit_order(row["unit"]), row["codebook"]["id"], row["mode"], row["event_id"]))

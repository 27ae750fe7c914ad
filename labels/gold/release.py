"""Making a release: an immutable folder with the runs, what everybody said of them, and what is settled.

It is a function of the events, the runs and the options alone: no clock, no path and no order of rows in this database
goes into it, so that it comes out byte by byte the same on another machine and after any order of merges. Runs are
taken one at a time, in the order of their content ids.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from labels import adjudication
from labels.codebook import Codebooks
from labels.gold import card, manifest
from labels.gold.books import Books, books_of
from labels.gold.folder import File, Folder, check_free, new_folder
from labels.gold.hiding import Hiding, Review
from labels.gold.people import People
from labels.gold.rows import RunRows
from labels.gold.rule import Rule
from labels.gold.said import Said, said_of, voted_runs
from labels.gold.settle import Row, settle_run, summary, unit_order
from labels.gold.splits import Splits
from labels.gold.tables import Tables
from sessions import catalog
from sessions.bodies import StoredStep
from sessions.catalog import RunInfo
from sessions.errors import UsageError, UserError
from sessions.readers.shared import title_of
from sessions.run import Header
from sessions.store import Store
from sessions.writers import canonical
from sessions.writers.base import Recorded

RUNS, VOTES, LABELS = "runs.jsonl", "votes.jsonl", "labels.jsonl"
SUGGESTIONS, ADJUDICATIONS, GOLD = "suggestions.jsonl", "adjudications.jsonl", "gold.jsonl"
DATA = (RUNS, VOTES, LABELS, SUGGESTIONS, ADJUDICATIONS, GOLD)
#: What is kept of a run's facts: where it comes from. Others hold paths, hosts and versions of somebody's machine.
FACTS = ("benchmark", "benchmark_name", "dataset", "llm_name", "round", "trace_key", "trace_index")
TWINS = "runs that are another one once secrets are hidden"


@dataclass(frozen=True)
class Options:
    """What is asked for. name: of the release; version: of the dataset, as its makers count. licence: of the data, as
    those who may give it say."""

    name: str
    rule: Rule = field(default_factory=Rule)
    people: People = field(default_factory=People)
    splits: Splits = field(default_factory=lambda: Splits("review-tui"))
    version: str = "1"
    licence: str = ""

    def check(self) -> None:
        """Raises UsageError for a name, version or licence that cannot be one."""
        for what, text in (("name", self.name), ("version", self.version), ("licence", self.licence or "none")):
            if not text.strip() or len(text) > 80 or not text.isprintable():
                raise UsageError(f"that cannot be a release's {what}.", "Use 1 to 80 printable characters.")


@dataclass
class Made:
    """What was made. content: of manifest.json."""

    path: Path
    content: dict[str, Any]


def release(store: Store, target: Path, options: Options, review: Review, loaded: Codebooks | None = None) -> Made:
    """Write a release. Raises UserError: target in use, nothing settled, hits that nobody looked at, disk full."""
    options.check()
    check_free(target)
    adjudication.bring_up_to_date(store)
    with _no_collecting(), new_folder(target, read_only=True) as folder:
        making = _Making(store, folder, options, review, books_of(store, loaded))
        making.runs()
        making.check()
        content = making.finish()
    return Made(target, content)


@contextmanager
def _no_collecting() -> Iterator[None]:
    """Rows of a run are made and dropped by the thousand and hold no cycles: looking for some takes a fifth of
    the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Making:
    """A release in the making."""

    def __init__(self, store: Store, folder: Folder, options: Options, review: Review, books: Books) -> None:
        self.store, self.folder, self.options, self.review, self.books = store, folder, options, review, books
        self.files: dict[str, File] = {name: folder.file(name) for name in DATA}
        self.left_out: Counter[str] = Counter()
        self.tables = Tables(books)
        self._seen: set[str] = set()

    def runs(self) -> None:
        settled = adjudication.settled_runs(self.store)
        for run in voted_runs(self.store, self.left_out):
            said = said_of(self.store, run, self.left_out)
            if said.votes:
                self._run(said, adjudicated=not settled.isdisjoint(said.ids))

    def check(self) -> None:
        """Raises UserError where there is nothing to release, or something that nobody has looked at."""
        if not self.tables.votes:
            raise UserError("there is no vote to release.", "Decide on some runs first: `review-tui gold status`.")
        if not self.tables.settled:
            raise UserError(
                f"no label is settled by this rule ({self.options.rule.name}, at least"
                f" {self.options.rule.min_votes} votes).",
                "`review-tui gold status` says what is missing.",
            )
        if hits := self.review.unreviewed:
            raise UserError(
                f"{sum(hits.values()):,} passages ({len(hits):,} different) look like secrets or personal data, and"
                " nobody has looked at them.",
                "`review-tui gold redactions --write FILE` lists them; then --reviewed FILE, or --accept-redactions"
                " to hide all.",
            )

    # -- one run --------------------------------------------------------------------------------------------------

    def _run(self, said: Said, *, adjudicated: bool) -> None:
        suggestions = suggestions_of(self.store, said.run)
        rulings = adjudication.rulings_of(self.store, said.run) if adjudicated else []
        hiding = Hiding(
            self.store, said.run, self.review, notes_of(said, suggestions, rulings), anchors_of(said, suggestions)
        )
        if hiding.run_id in self._seen:
            self.left_out[TWINS] += 1
            return
        self._seen.add(hiding.run_id)
        rows = RunRows(said, hiding, self.options.people, self.left_out)
        suggested = rows.suggestions(suggestions)
        for vote in said.votes:
            rows.add(vote, suggestions)
        rows.sort()
        ruled = adjudication_rows(rows, rulings)
        gold = settle_run(
            rows.run_id, rows.votes, rows.labels, ruled, self.books, self.options.rule, self.left_out,
            self.tables.judged,
        )  # fmt: skip
        head = self._head(said.run, hiding)
        self._write_steps(said.run, hiding, head, gold)
        written = ((VOTES, rows.votes), (LABELS, rows.labels), (SUGGESTIONS, suggested), (ADJUDICATIONS, ruled))
        for name, items in (*written, (GOLD, gold)):
            self.files[name].rows_of(items)
        self.tables.add(head, rows, suggested, ruled, gold)

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

    def _write_steps(self, run: RunInfo, hiding: Hiding, head: Row, gold: list[Row]) -> None:
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
        file = self.files[RUNS]
        for line in canonical.write(_Released(header, hiding)):
            file.write(line.encode("utf-8", "replace"))
        file.rows += 1

    # -- the end --------------------------------------------------------------------------------------------------

    def finish(self) -> dict[str, Any]:
        for book in self.books.used():
            name = f"codebooks/{book.id}-{book.hash[:12]}.json"
            self.folder.text(name, book.canonical_json().decode() + "\n")
        content = manifest.content(
            self.store, self.options, self.review, self.folder, self.tables, self.books, self.left_out
        )
        self.folder.text("README.md", card.text(content, self.tables, self.books))
        content["files"]["README.md"] = self.folder.files["README.md"].as_json()
        self.folder.text("manifest.json", manifest.dump(content))
        return content


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

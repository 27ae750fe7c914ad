"""Proving a release: nothing in it was changed, it holds together, and its gold follows from its votes.

Checked are the hash and size of every file; that each run is what its id says; that every step, chunk and quote that a
row names stands where it says; that the splits are those of the salt; and that settling the votes again, by the rule in
the manifest, gives the same gold. Whoever rewrites all of it, hashes included, is only found out by the digest, which
therefore belongs somewhere else too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from labels.gold import manifest
from labels.gold.reading import Release, ReleasedRun
from labels.gold.settle import Row, settle_run, summary
from labels.model import WHOLE_RUN
from sessions.errors import UserError
from sessions.identity import chunk_id
from sessions.jsontext import canonical

#: So many problems are told in words; the others are counted.
_TOLD = 100
_KEYS: dict[str, frozenset[str]] = {
    "votes": frozenset(("unit", "annotator", "role", "verdict", "codebooks", "labels", "events", "blind_votes")),
    "labels": frozenset(
        ("label_id", "unit_id", "scope", "annotator", "codebook", "mode", "first", "last", "evidence", "event_id")
    ),
    "suggestions": frozenset(("suggestion", "detector", "version", "codebook", "mode", "first", "last", "evidence")),
    "adjudications": frozenset(("unit", "codebook", "mode", "outcome", "reason", "steps", "event_id", "after")),
    "gold": frozenset(("unit", "codebook", "labels", "details", "absent_by", "people")),
    "queue": frozenset(("unit", "kind", "weight", "known")),
}


@dataclass
class Verified:
    """wrong: what is not as it should be, one line each. more: how many further ones there are. runs, rows, quotes:
    what was checked."""

    wrong: list[str] = field(default_factory=list)
    more: int = 0
    runs: int = 0
    rows: int = 0
    quotes: int = 0

    def add(self, text: str) -> None:
        if len(self.wrong) < _TOLD:
            self.wrong.append(text)
        else:
            self.more += 1


def verify(path: Path) -> Verified:
    """Check a release. Raises UserError where there is none."""
    release = Release(path)
    found = Verified()
    for text in _files(release):
        found.add(text)
    try:
        _content(release, found)
    except UserError as error:
        found.add(error.message)
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        found.add(f"a row does not have the shape that it should ({type(error).__name__}: {error!s:.100})")
    return found


def _files(release: Release) -> Iterator[str]:
    files = release.manifest.get("files")
    if not isinstance(files, dict):
        yield "manifest.json: there is no list of files"
        return
    for name, row in sorted(files.items()):
        try:
            size, digest = _hash(release.path / name)
        except OSError as error:
            yield f"{name}: cannot be read ({error.strerror})"
            continue
        if (size, digest) != (row.get("bytes"), row.get("sha256")):
            yield f"{name}: is not the file that was released (its hash differs)"
    there = {file.relative_to(release.path).as_posix() for file in release.path.rglob("*") if not file.is_dir()}
    for name in sorted(there - files.keys() - {"manifest.json"}):
        yield f"{name}: is in no list of files"
    if manifest.digest(files) != release.digest:
        yield "manifest.json: the digest is not that of the files"


def _hash(path: Path) -> tuple[int, str]:
    digest, size = sha256(), 0
    with path.open("rb") as file:
        while data := file.read(1 << 20):
            digest.update(data)
            size += len(data)
    return size, digest.hexdigest()


def _content(release: Release, found: Verified) -> None:
    books = release.books()
    seen: set[str] = set()
    tasks: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for run in release.runs():
        name = f"run {run.run_id[:12]}"
        if run.run_id in seen:
            found.add(f"{name}: is there twice")
        seen.add(run.run_id)
        for text in (*_run(run, release), *_rows(run, release, found)):
            found.add(f"{name}: {text}")
        if tasks.setdefault(run.task_id, run.split) != run.split:
            found.add(f"{name}: its task is in two splits")
        again = settle_run(run.run_id, run.votes, run.labels, run.adjudications, books, release.rule)
        if canonical(again) != canonical(run.gold):
            found.add(f"{name}: its gold does not follow from its votes by the rule of the release")
        told = (run.header.reference or {}).get("gold", {})
        if canonical([told.get("units"), told.get("runs")]) != canonical([run.gold, summary(run.gold, len(run.steps))]):
            found.add(f"{name}: the gold in runs.jsonl is not that of gold.jsonl")
        counts.update({name: len(getattr(run, name)) for name in release.beside})
        counts.update(runs=1, steps=len(run.steps))
        found.runs += 1
    for name, number in release.left.items():
        found.add(f"{name}: {number:,} rows belong to no run, or stand in another order")
    for name, number in release.manifest["counts"].items():
        if name in ("runs", "steps", "votes", "labels", "suggestions", "adjudications") and counts[name] != number:
            found.add(f"manifest.json: it says {number:,} {name}, and there are {counts[name]:,}")


def _run(run: ReleasedRun, release: Release) -> Iterator[str]:
    yield from run.problems
    if run.content_id != run.run_id:
        yield "its content is not what its id says"
    task_id = release.splits.task_id(run.header.task or f"run {run.run_id}")
    if (run.task_id, run.split) != (task_id, release.splits.of(task_id)):
        yield "its task or split is not the one that the salt gives"


def _rows(run: ReleasedRun, release: Release, found: Verified) -> Iterator[str]:
    """Whether every row of a run has its fields, and names places that there are."""
    for name, keys in _KEYS.items():
        for row in getattr(run, name):
            found.rows += 1
            if missing := keys - row.keys():
                yield f"a row of {release.beside[name]} has no {min(missing)!r}"
                return
            yield from _places(run, row, found)
    labels = Counter((label["unit_id"], label["annotator"], label["label_id"]) for label in run.labels)
    named = Counter((vote["unit"]["id"], vote["annotator"], label) for vote in run.votes for label in vote["labels"])
    if labels != named:
        yield "the labels in votes.jsonl are not those in labels.jsonl"
    if "queue" in release.manifest:
        given = {row["unit"]["id"] for row in run.queue}
        if any(row["unit"]["id"] not in given for row in (*run.votes, *run.adjudications)):
            yield "a vote or an adjudication is on a chunk that the queue of the release did not give out"


def _places(run: ReleasedRun, row: Row, found: Verified) -> Iterator[str]:
    unit = row.get("unit")
    if unit is not None:
        ends = (unit["first"]["step"], unit["last"]["step"])
        if unit["id"] != (WHOLE_RUN if unit["scope"] == "run" else chunk_id(*ends)):
            yield f"the chunk {unit['id']!r:.40} is not the one between its steps"
    for step in _steps(row):
        index = step["step_index"]
        if (
            not 0 <= index < len(run.step_ids)
            or run.step_ids[index] != step["step"]
            or step["step_number"] != index + 1
        ):
            yield f"step {step['step']!r:.40} is not step number {step['step_number']!r:.20}"
    for item in _evidence(row):
        found.quotes += 1
        if _text(run, item)[item["start"] : item["end"]] != item["quote"] or not item["quote"]:
            yield f"a quote does not stand in step {item['step_number']}"


def _text(run: ReleasedRun, item: Row) -> str:
    index, part = item["step_index"], item["part"]
    if not 0 <= index < len(run.steps) or not 0 <= part < len(run.steps[index].parts):
        return ""
    return run.steps[index].parts[part].text


def _evidence(row: Row) -> Iterator[Row]:
    yield from row.get("evidence", ())
    for detail in row.get("details", ()):
        yield from detail.get("evidence", ())


def _steps(row: Row) -> Iterator[Row]:
    """Every step that a row names."""
    holders: list[Any] = [row, row.get("unit") or {}, *row.get("steps", ())]
    for detail in row.get("details", ()):
        holders += detail.get("steps", ())
    for holder in holders:
        for name in ("first", "last", "rollback_to"):
            if holder.get(name) is not None:
                yield holder[name]
    yield from _evidence(row)


def problem_lines(found: Verified) -> Iterable[str]:
    """What is wrong, as lines."""
    yield from found.wrong
    if found.more:
        yield f"and {found.more:,} more"

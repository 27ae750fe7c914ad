"""Reading a release: its manifest, and run by run all that belongs together. One run is in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from labels.codebook import Codebook
from labels.gold.books import Books
from labels.gold.manifest import SCHEMA
from labels.gold.rule import Rule
from labels.gold.settle import Row
from labels.gold.splits import Splits
from sessions import readers
from sessions.errors import UserError
from sessions.identity import Identity
from sessions.run import Facts, Header, Problem, Step, apply_facts

#: What stands beside the runs, in files of their own: attribute of `ReleasedRun` -> file.
BESIDE = {
    "votes": "votes.jsonl",
    "labels": "labels.jsonl",
    "suggestions": "suggestions.jsonl",
    "adjudications": "adjudications.jsonl",
    "gold": "gold.jsonl",
}
#: The same of a release that is limited to a queue.
OF_QUEUE = {"queue": "queue.jsonl"}
_NOT_ONE = "Name a folder that `review-tui gold release` made."


@dataclass
class ReleasedRun:
    """One run of a release. step_ids, content_id: computed from its content. problems: what could not be read of it."""

    header: Header
    steps: list[Step] = field(default_factory=list)
    step_ids: list[str] = field(default_factory=list)
    content_id: str = ""
    votes: list[Row] = field(default_factory=list)
    labels: list[Row] = field(default_factory=list)
    suggestions: list[Row] = field(default_factory=list)
    adjudications: list[Row] = field(default_factory=list)
    gold: list[Row] = field(default_factory=list)
    queue: list[Row] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def run_id(self) -> str:
        return str(self.header.facts.get("run_id", ""))

    @property
    def task_id(self) -> str:
        return str(self.header.facts.get("task_id", ""))

    @property
    def split(self) -> str:
        return str(self.header.facts.get("split", ""))


class Release:
    """A release on disk. left: rows that belonged to no run, by file, once `runs` has come to its end."""

    def __init__(self, path: Path) -> None:
        """Raises UserError if there is none."""
        self.path = path
        try:
            self.manifest: dict[str, Any] = orjson.loads((path / "manifest.json").read_bytes())
            schema = self.manifest["schema"]
            self.name, self.version = str(self.manifest["name"]), str(self.manifest["version"])
            self.rule = Rule.of(self.manifest["settling"]["rule"], self.manifest["settling"]["min_votes"])
            self.splits = Splits.from_json(self.manifest["split"])
        except OSError as error:
            raise UserError(f"{path} is no release: manifest.json: {error.strerror}.", _NOT_ONE) from None
        except (ValueError, KeyError, TypeError):
            raise UserError(f"{path} is no release: its manifest.json is none.", _NOT_ONE) from None
        if schema != SCHEMA:
            raise UserError(f"{path} is a release of another kind ({schema!r:.60}).", f"This program reads {SCHEMA}.")
        self.left: dict[str, int] = {}

    @property
    def digest(self) -> str:
        return str(self.manifest["digest"])

    @property
    def beside(self) -> dict[str, str]:
        """What stands beside its runs: attribute of `ReleasedRun` -> file."""
        return BESIDE | OF_QUEUE if "queue" in self.manifest else BESIDE

    def books(self) -> Books:
        """The codebooks of the release. Raises UserError if one is not what it was."""
        states = {}
        for file in sorted((self.path / "codebooks").glob("*.json")):
            try:
                book = Codebook.from_json(file.read_bytes())
            except ValueError as error:
                raise UserError(f"{file} is no codebook ({type(error).__name__}).") from None
            states[book.id, book.hash] = book
        main = dict(self.manifest["codebooks"])
        if missing := [f"{key} {value[:12]}" for key, value in main.items() if (key, value) not in states]:
            raise UserError(f"{self.path}: the codebook {missing[0]} is missing, or not what its hash says.")
        return Books(states, main)

    def runs(self) -> Iterator[ReleasedRun]:
        """All runs in the order of the release, each with its rows."""
        beside = {name: _Rows(self.path / file) for name, file in self.beside.items()}
        try:
            for run in _runs(self.path / "runs.jsonl"):
                for name, rows in beside.items():
                    setattr(run, name, rows.of(run.run_id))
                yield run
            self.left = {self.beside[name]: left for name, rows in beside.items() if (left := rows.rest())}
        finally:
            for rows in beside.values():
                rows.close()


class _Rows:
    """A file of rows in the order of the runs."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise UserError(f"{path} cannot be read: {error.strerror}.", _NOT_ONE) from None
        self._path, self._line = path, 0
        self._next = self._read()

    def _read(self) -> Row | None:
        line = self._file.readline()
        if not line:
            return None
        self._line += 1
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError:
            row = None
        if not isinstance(row, dict):
            raise UserError(f"{self._path}, line {self._line}: is no JSON object.", "The release is damaged.")
        return row

    def of(self, run: str) -> list[Row]:
        """The rows of this run, if they come next."""
        found: list[Row] = []
        while self._next is not None and self._next.get("run_id") == run:
            found.append(self._next)
            self._next = self._read()
        return found

    def rest(self) -> int:
        """How many rows are left."""
        count = 0
        while self._next is not None:
            count += 1
            self._next = self._read()
        return count

    def close(self) -> None:
        self._file.close()


def _runs(path: Path) -> Iterator[ReleasedRun]:
    run: ReleasedRun | None = None
    identity = Identity()
    for record in readers.read(path, "canonical"):
        if isinstance(record, Header):
            if run is not None:
                run.content_id = identity.content_id()
                yield run
            run, identity = ReleasedRun(record), Identity()
        elif run is None:
            raise UserError(f"{path} does not begin with a run.", "The release is damaged.")
        elif isinstance(record, Step):
            run.steps.append(record)
            run.step_ids.append(identity.step_id(record))
        elif isinstance(record, Facts):
            apply_facts(run.header, record)
        elif isinstance(record, Problem):
            run.problems.append(f"line {record.line}: {record.reason}" if record.line else record.reason)
    if run is not None:
        run.content_id = identity.content_id()
        yield run

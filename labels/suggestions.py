"""Suggestions: what detectors claim about a run, kept beside it until a reviewer answers.

Detectors write them (`save`), screens and the command line read them; the answers are decisions and live in the
ledger. A suggestion's id is the hash of what it claims, so that finding it again does not ask twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from pydantic import BaseModel, ConfigDict

from labels.codebook_ref import CodebookRef
from labels.model import Evidence, StepRef
from sessions.catalog import RunInfo
from sessions.jsontext import canonical
from sessions.store import Store


class Suggestion(BaseModel):
    """A detector's claim that a mode occurs in steps first..last of a run.

    score: the detector's own, higher is surer. probability: calibrated, None until it is. evidence: verbatim passages.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: str
    code: str = ""
    name: str = ""
    codebook: CodebookRef
    first: StepRef
    last: StepRef
    evidence: tuple[Evidence, ...]
    score: float
    probability: float | None = None
    detector: str
    version: str
    rationale: str = ""

    @property
    def id(self) -> str:
        """Hash of detector, version, mode, steps and evidence: 24 hex digits."""
        claim = [self.detector, self.version, self.codebook.id, self.mode, self.first.id, self.last.id]
        quotes = [[item.step.id, item.part, item.start, item.end] for item in self.evidence]
        return sha256(canonical([*claim, quotes])).hexdigest()[:24]


def save(store: Store, run: RunInfo, found: Iterable[Suggestion]) -> int:
    """Keep suggestions of a run; those that are there already stay as they are. How many are new.

    Raises ValueError for one without evidence: a claim that quotes nothing is dropped by whoever made it.
    """
    rows = []
    for item in found:
        if not item.evidence:
            raise ValueError(f"suggestion of {item.detector} for {item.mode} quotes no evidence")
        rows.append((item.id, run.id, item.codebook.id, item.mode, item.detector, item.version, item.first.index,
                     item.model_dump_json()))  # fmt: skip
    with store.write("NORMAL") as tx:
        kept = {row[0] for row in tx.execute("SELECT id FROM suggestion WHERE run = ?", [run.id])}
        new = {row[0]: row for row in rows if row[0] not in kept}
        tx.many("INSERT INTO suggestion VALUES (?, ?, ?, ?, ?, ?, ?, ?)", list(new.values()))
    return len(new)


def suggestions_of(store: Store, run: RunInfo) -> list[Suggestion]:
    """All suggestions for a run, in the order of its steps."""
    rows = store.query("SELECT data FROM suggestion WHERE run = ? ORDER BY first_index, id", [run.id])
    return [Suggestion.model_validate_json(row[0]) for row in rows]

"""Suggestions: what detectors claim about a run, kept beside it until a reviewer answers.

Detectors write them (`save`), screens and the command line read them; the answers are decisions and live in the
ledger. A suggestion's id is the hash of what it claims, so that finding it again, with a later version too, does not
ask twice. What a later version finds no more is marked as replaced: it is shown no longer, and kept for those who
answered it.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from pydantic import BaseModel, ConfigDict

from labels.codebook_ref import CodebookRef
from labels.model import Evidence, StepRef
from labels.scoring.calibration import Calibration
from sessions.catalog import RunInfo
from sessions.jsontext import canonical
from sessions.store import Store, Transaction


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
        """Hash of detector, mode, steps and evidence: 24 hex digits."""
        claim = [self.detector, self.codebook.id, self.mode, self.first.id, self.last.id]
        quotes = [[item.step.id, item.part, item.start, item.end] for item in self.evidence]
        return sha256(canonical([*claim, quotes])).hexdigest()[:24]


def save(store: Store, run: RunInfo, found: Iterable[Suggestion]) -> int:
    """Keep suggestions of a run; those that are there already stay one. How many are new.

    Raises ValueError for one without evidence: a claim that quotes nothing is dropped by whoever made it.
    """
    with store.write("NORMAL") as tx:
        return write(tx, run, found)


def write(tx: Transaction, run: RunInfo, found: Iterable[Suggestion]) -> int:
    """As `save`, in the caller's transaction. Each gets the probability that its detector's calibration gives it."""
    calibration = Calibration.load(tx)
    kept = {row[0] for row in tx.execute("SELECT id FROM suggestion WHERE run = ?", [run.id])}
    new = 0
    for key, item in {item.id: item for item in found}.items():
        if not item.evidence:
            raise ValueError(f"suggestion of {item.detector} for {item.mode} quotes no evidence")
        item = calibrated(item, calibration)
        row = [item.codebook.id, item.mode, item.detector, item.version, item.first.index, item.model_dump_json()]
        if key in kept:
            tx.execute(
                "UPDATE suggestion SET codebook = ?, mode = ?, detector = ?, version = ?, first_index = ?, data = ?,"
                " replaced = 0 WHERE run = ? AND id = ?",
                [*row, run.id, key],
            )
        else:
            tx.execute("INSERT INTO suggestion VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)", [key, run.id, *row])
            new += 1
    return new


def calibrated(item: Suggestion, calibration: Calibration) -> Suggestion:
    """The suggestion with its probability; as it is where the detector was never calibrated on that mode."""
    mode = f"{item.mode}@{item.codebook.id}"
    probability = calibration.probability(item.detector, item.version, mode, item.score)
    return item if probability is None else item.model_copy(update={"probability": probability})


def replace(tx: Transaction, run: RunInfo, detector: str, keep: Iterable[str]) -> None:
    """Mark what a detector found before and does not find any more. keep: ids that it found now."""
    still = set(keep)
    rows = tx.execute("SELECT id FROM suggestion WHERE run = ? AND detector = ? AND replaced = 0", [run.id, detector])
    gone = [(run.id, row[0]) for row in rows if row[0] not in still]
    tx.many("UPDATE suggestion SET replaced = 1 WHERE run = ? AND id = ?", gone)


def suggestions_of(store: Store, run: RunInfo) -> list[Suggestion]:
    """All suggestions for a run that hold now, in the order of its steps."""
    sql = "SELECT data FROM suggestion WHERE run = ? AND replaced = 0 ORDER BY first_index, id"
    return [Suggestion.model_validate_json(row[0]) for row in store.query(sql, [run.id])]

"""Keeping what the judge found: suggestions beside those of the other detectors, and that it looked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from labels import suggestions as kept
from labels.codebook_model import Codebook
from labels.judge import prompt
from labels.judge.config import JudgeConfig
from labels.judge.votes import Held
from labels.suggestions import Suggestion
from sessions.catalog import RunInfo
from sessions.jsontext import canonical
from sessions.store import Store, Transaction

if TYPE_CHECKING:
    from labels.judge.run import Judged


def suggestions(books: Sequence[Codebook], config: JudgeConfig, claims: Iterable[Held]) -> list[Suggestion]:
    """The claims as suggestions, each passage claimed once for a mode: what two windows show is found twice."""
    by_id = {book.id: book for book in books}
    chosen: list[Held] = []
    for item in claims:
        twin = next((number for number, other in enumerate(chosen) if _same(item, other)), None)
        if twin is None:
            chosen.append(item)
        elif item.score > chosen[twin].score:
            chosen[twin] = item
    found = [_suggestion(by_id[item.codebook], config, item) for item in chosen]
    return list({item.id: item for item in found}.values())


def _same(one: Held, other: Held) -> bool:
    """Whether two claims of different windows say the same of one passage."""
    if (one.codebook, one.claim.mode) != (other.codebook, other.claim.mode) or one.window == other.window:
        return False
    return any(
        (mine.step.id, mine.part) == (theirs.step.id, theirs.part)
        and mine.start < theirs.end
        and theirs.start < mine.end
        for mine in one.claim.evidence
        for theirs in other.claim.evidence
    )


def _suggestion(book: Codebook, config: JudgeConfig, held: Held) -> Suggestion:
    mode = book.by_slug[held.claim.mode]
    said = held.claim.why or "The judge gave no reason."
    notes = [f"{held.yes} of {held.of} votes"] if held.of > 1 else []
    notes += ["the judge was not sure"] if held.unsure else []
    return Suggestion(
        mode=mode.slug,
        code=mode.code,
        name=mode.name,
        codebook=book.ref,
        first=held.claim.first,
        last=held.claim.last,
        evidence=held.claim.evidence,
        score=held.score,
        detector=config.detector,
        version=prompt.VERSION,
        rationale=f"{said} ({', '.join(notes)})" if notes else said,
    )


def params_hash(books: Sequence[Codebook], config: JudgeConfig) -> str:
    """12 hex digits over what the judge's finds depend on beside its model and version."""
    settings = {
        "codebooks": sorted(book.hash for book in books), "endpoint": config.endpoint, "votes": config.votes,
        "window": config.window_tokens, "overlap": config.overlap, "part": config.part_chars,
    }  # fmt: skip
    return sha256(canonical(settings)).hexdigest()[:12]


def store(store: Store, books: Sequence[Codebook], config: JudgeConfig, judged: Judged) -> None:
    """Write the suggestions, and that the judge looked: `done`, or `off` with the reason where something is missing.

    What it found before and does not find any more is marked as replaced, but only of these codebooks, and only if all
    was judged."""
    run, name = judged.run, config.detector
    with store.write() as tx:
        kept.write(tx, run, judged.found)
        others = _of_other_codebooks(tx, run, name, books)
        if judged.complete:
            kept.replace(tx, run, name, {item.id for item in judged.found} | others)
        looked(
            tx, run, name, prompt.VERSION, params_hash(books, config), reason=_reason(books, judged),
            found=len(judged.found) + len(others), off=not judged.complete, seconds=judged.seconds,
        )  # fmt: skip


def looked(
    tx: Transaction,
    run: RunInfo,
    detector: str,
    version: str,
    params: str,
    *,
    reason: str,
    found: int,
    off: bool = False,
    seconds: float = 0.0,
) -> None:
    """Note that a detector looked at a run as it is now. off: not at all of it, and `reason` says why."""
    tx.execute("DELETE FROM detection WHERE run = ? AND detector = ?", [run.id, detector])
    state, at = "off" if off else "done", datetime.now(UTC).isoformat(timespec="seconds")
    tx.execute(
        "INSERT INTO detection (run, detector, version, params, content_id, state, reason, found, seconds, at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [run.id, detector, version, params, run.content_id or "", state, reason, found, round(seconds, 4), at],
    )


def _of_other_codebooks(tx: Transaction, run: RunInfo, detector: str, books: Sequence[Codebook]) -> set[str]:
    """Ids of what this judge found with codebooks that it was not asked for now."""
    marks = ", ".join("?" * len(books))
    rows = tx.execute(
        f"SELECT id FROM suggestion WHERE run = ? AND detector = ? AND replaced = 0 AND codebook NOT IN ({marks})",
        [run.id, detector, *(book.id for book in books)],
    )
    return {row[0] for row in rows}


def _reason(books: Sequence[Codebook], judged: Judged) -> str:
    """What was judged, in words, and what is missing."""
    said = f"judged {', '.join(f'{book.id} {book.version}' for book in books)}"
    if judged.stopped is not None:
        said = f"not finished: {judged.stopped.message}"
    elif judged.failed:
        said += f"; no usable answer on {'; '.join(judged.failed[:5])}"
    if judged.unanswered:
        said += f"; silent on {', '.join(sorted(judged.unanswered))}"
    return said[:1000]

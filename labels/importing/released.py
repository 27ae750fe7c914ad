"""Gold of a release (`gold release`, here or elsewhere) as votes: on each chunk and run what was settled there.

It stands in the runs' own file, `runs.jsonl`; the codebooks stand beside it. What was settled knowing everybody's votes
is no blind reading: agreement leaves it out unless asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from labels.codebook import Codebook, Codebooks
from labels.importing.report import Imported
from labels.importing.vote import Cut, OutsideVote, Quote, Said
from sessions.run import Run

CORPUS = "gold of a release"
NO_BOOK = "settled labels whose codebook is neither beside the release nor in use"
NOT_ONE = "settled labels that do not have the shape they should, or are on steps that are not in the run"
#: Reviewers' names are 80 characters at most, with the prefix and the codebook.
_MOST_NAME = 40


def votes(run: Run, path: Path, codebooks: Codebooks, report: Imported) -> Iterator[OutsideVote]:
    """What the release says of a run."""
    gold = (run.header.reference or {}).get("gold")
    if not isinstance(gold, dict) or not isinstance(rows := gold.get("units"), list):
        return
    name = " ".join(str(gold.get("release") or "gold").split())[:_MOST_NAME]
    books = _Books(path.parent / "codebooks", codebooks)
    cuts = _cuts(rows, len(run.steps))
    for row in rows:
        try:
            book = books.of(row["codebook"])
            if book is None:
                report.left_out[NO_BOOK] += 1
            elif vote := _vote(run, row, name, book, cuts):
                yield vote
        except (KeyError, TypeError, ValueError, IndexError):
            report.left_out[NOT_ONE] += 1


class _Books:
    """Codebooks by id and hash."""

    def __init__(self, folder: Path, loaded: Codebooks) -> None:
        self._folder = folder
        self._known: dict[tuple[str, str], Codebook | None] = {(book.id, book.hash): book for book in loaded}

    def of(self, ref: Mapping[str, str]) -> Codebook | None:
        key = (str(ref["id"]), str(ref["sha256"]))
        if key not in self._known:
            self._known[key] = self._read(*key)
        return self._known[key]

    def _read(self, id: str, sha256: str) -> Codebook | None:
        try:
            found = [Codebook.from_json(file.read_bytes()) for file in sorted(self._folder.glob("*.json"))]
        except (OSError, ValueError):
            return None
        return next((book for book in found if (book.id, book.hash) == (id, sha256)), None)


def _vote(
    run: Run, row: Mapping[str, Any], release: str, book: Codebook, cuts: Mapping[int, Cut]
) -> OutsideVote | None:
    """None where nothing is settled."""
    values = {mode.slug: row["labels"].get(mode.slug) for mode in book.modes}
    judged = tuple(slug for slug, value in values.items() if isinstance(value, bool))
    if not judged:
        return None
    unit = row["unit"]
    first, last = _index(run, unit["first"]), _index(run, unit["last"])
    details = {item["mode"]: item for item in row["details"]}
    said = [one for slug in judged if values[slug] for one in _said(run, slug, details.get(slug, {}), (first, last))]
    name = release if book.id == "mast" else f"{release} ({book.id[:20]})"
    everything = len(judged) == len(values)
    return OutsideVote(
        f"gold {name}", CORPUS, book, tuple(said), None if everything else judged, independent=False,
        cut=None if unit["scope"] == "run" else cuts[first],
    )  # fmt: skip


def _said(run: Run, slug: str, detail: Mapping[str, Any], unit: tuple[int, int]) -> Iterator[Said]:
    """The places of a mode, or the unit as a whole."""
    spans = [(_index(run, span["first"]), _index(run, span["last"])) for span in detail.get("steps", ())] or [unit]
    agents: Counter[str] = Counter(detail.get("agents") or {})
    agent = max(sorted(agents), key=agents.__getitem__) if agents else None
    for place, (first, last) in enumerate(spans):
        quotes = tuple(
            Quote(item["step_index"], item["part"], item["start"], item["quote"])
            for item in detail.get("evidence", ())
            if first <= item["step_index"] <= last
        )
        yield Said(
            slug, first, last, agent=agent, root_cause=bool(detail.get("root_cause")) and not place, quotes=quotes
        )


def _index(run: Run, step: Mapping[str, Any]) -> int:
    index = step["step_index"]
    if not isinstance(index, int) or not 0 <= index < len(run.steps):
        raise ValueError("no such step")
    return index


def _cuts(rows: Sequence[Any], steps: int) -> dict[int, Cut]:
    """First step -> the chunk that begins there. A release does not say how its runs were cut: chunks of one size are
    taken for what they look like, others for cut as the source has it."""
    try:
        units = [row["unit"] for row in rows if row["unit"]["scope"] == "chunk"]
        ends = sorted({(unit["first"]["step_index"], unit["last"]["step_index"]) for unit in units})
        size = max((last - first + 1 for first, last in ends), default=1)
        even = all(first % size == 0 and last == min(first + size, steps) - 1 for first, last in ends)
    except (KeyError, TypeError):
        return {}
    return {
        first: Cut(first, last, first // size + 1 if even else number, f"every:{size}" if even else "declared")
        for number, (first, last) in enumerate(ends, 1)
    }

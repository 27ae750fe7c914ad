"""Labels that stand in a file beside the runs: AG2 gold labels, AgentRx's ground truth, reference labels.

A file belongs to the runs in its folder and below it. Known by its content; anything else is passed over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from labels.codebook import Codebooks
from labels.scoring.truth import Judged, Passage, RunTruth, Span, Verdict
from sessions.errors import UsageError, UserError
from sessions.jsontext import BadJson, loads
from sessions.run import Run

AG2_GOLD, AGENTRX, REFERENCE = "AG2 gold labels", "AgentRx", "reference labels"
#: A label file is small; a JSON file beyond this is a run.
MOST_BYTES = 16 * 1024 * 1024
#: What the head of a label file has to hold, in bytes: most files need not be parsed.
_HEAD, _MARKS = 65_536, (b'"present"', b'"trajectory_id"', b'"first_step"', b'"none"')


class Sidecar(Protocol):
    """A file of labels."""

    path: Path

    def truths(self, run: Run, path: Path, ties: tuple[str, ...], codebooks: Codebooks) -> list[RunTruth]:
        """What it says of a run that was read from `path`; [] if nothing."""
        ...

    def unmatched(self) -> Mapping[str, int]:
        """Labels for which no run turned up: reason -> count."""
        ...


def find(paths: Sequence[Path]) -> list[Sidecar]:
    """The label files among these paths, and in the folders among them."""
    found: dict[Path, Sidecar] = {}
    for path in paths:
        for file in sorted(path.rglob("*.json")) if path.is_dir() else [path]:
            if file not in found and (sidecar := _open(file)) is not None:
                found[file] = sidecar
    return list(found.values())


def _open(path: Path) -> Sidecar | None:
    try:
        if not path.is_file() or path.stat().st_size > MOST_BYTES:
            return None
        with open(path, "rb") as file:
            head = file.read(_HEAD)
        if not any(mark in head for mark in _MARKS):
            return None
        value = loads(path.read_bytes())
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}.") from None
    except BadJson:
        return None
    kinds: tuple[type[Ag2Gold] | type[AgentRx] | type[ReferenceLabels], ...] = (Ag2Gold, AgentRx, ReferenceLabels)
    return next((kind(path, value) for kind in kinds if kind.fits(value)), None)


def _belongs(path: Path, labels: Path) -> bool:
    return path.resolve().is_relative_to(labels.parent.resolve())


class Ag2Gold:
    """`{"modes": ["FM-1.1", ...], "labels": {run id: {"present": [code], "disputed"?: [code], "notes"}}}`: codes of the
    paper's final numbering; all listed modes were judged, a disputed one was not settled."""

    def __init__(self, path: Path, value: dict[str, Any]) -> None:
        self.path = path
        self._codes: list[str] = [str(code) for code in value["modes"]]
        self._labels: dict[str, Any] = dict(value["labels"])
        self._met: set[str] = set()

    @staticmethod
    def fits(value: Any) -> bool:
        if not isinstance(value, dict) or not isinstance(value.get("modes"), list):
            return False
        labels = value.get("labels")
        return isinstance(labels, dict) and all(
            isinstance(item, dict) and "present" in item for item in labels.values()
        )

    def notes_of(self, run: Run) -> str:
        """What the annotator wrote on a run."""
        return str((self._labels.get(run.header.native_id or "") or {}).get("notes") or "")

    def truths(self, run: Run, path: Path, ties: tuple[str, ...], codebooks: Codebooks) -> list[RunTruth]:
        key = run.header.native_id or ""
        if key not in self._labels or not _belongs(path, self.path):
            return []
        said = self._labels[key]
        disputed = set(map(str, said.get("disputed") or ()))
        modes: dict[str, Verdict] = {}
        for code in self._codes:
            try:
                book, mode = codebooks.resolve(f"{code}@mast")
            except UsageError:
                continue
            if code not in disputed:
                modes[f"{mode.slug}@{book.id}"] = Verdict(code in said["present"])
        self._met.add(key)
        judged = Judged(Span(0, len(run.steps) - 1), "1 annotator", modes)
        return [RunTruth(AG2_GOLD, "sound", key, run.header.system or "AG2", len(run.steps), (judged,), ties=ties)]

    def unmatched(self) -> Mapping[str, int]:
        return Counter({f"labels in {self.path.name} without a run": len(self._labels.keys() - self._met)})


class AgentRx:
    """`[{"trajectory_id": stem of the run's file, "failures": [{"failure_id", "step_number"}], "root_cause":
    {"failure_id"}}]`. Step numbers count from 1, unlike those of Who&When on the same runs: with it, the agents named
    beside the steps are those that act there (106 of 139; one less gives 20)."""

    def __init__(self, path: Path, value: list[dict[str, Any]]) -> None:
        self.path = path
        self._labels = {str(item["trajectory_id"]): item for item in value}
        self._met: set[str] = set()
        self._no_cause = 0

    @staticmethod
    def fits(value: Any) -> bool:
        return (
            isinstance(value, list)
            and bool(value)
            and all(isinstance(item, dict) and {"trajectory_id", "failures"} <= item.keys() for item in value)
        )

    def truths(self, run: Run, path: Path, ties: tuple[str, ...], codebooks: Codebooks) -> list[RunTruth]:  # noqa: ARG002
        key = path.stem
        if key not in self._labels or not _belongs(path, self.path):
            return []
        self._met.add(key)
        step = self._root_cause(self._labels[key])
        if step is None or not 0 <= step < len(run.steps):
            self._no_cause += 1
            return []
        system = run.header.system or "Magentic-One"  # what the corpus's runs are; their files do not say
        return [RunTruth(AGENTRX, "sound", key, system, len(run.steps), decisive=step, good=False, ties=ties)]

    def item_of(self, path: Path) -> dict[str, Any] | None:
        """All that is said of the run in this file."""
        return self._labels.get(path.stem) if _belongs(path, self.path) else None

    @staticmethod
    def _root_cause(item: dict[str, Any]) -> int | None:
        cause = item.get("root_cause")
        wanted = str(cause.get("failure_id")) if isinstance(cause, dict) else ""
        for failure in item["failures"]:
            if isinstance(failure, dict) and str(failure.get("failure_id")) == wanted:
                number = failure.get("step_number")
                return number - 1 if isinstance(number, int) else None
        return None

    def unmatched(self) -> Mapping[str, int]:
        return Counter(
            {
                f"labels in {self.path.name} without a run": len(self._labels.keys() - self._met),
                f"labels in {self.path.name} whose root cause is no failure of theirs": self._no_cause,
            }
        )


class ReferenceLabels:
    """The shape of `sample_traces/reference_labels.json`: per run (by file name) and codebook the modes with steps
    (from 1) and quotes, or "none". Runs and labels were written together, so they say nothing about real runs."""

    def __init__(self, path: Path, value: list[dict[str, Any]]) -> None:
        self.path = path
        self._labels: dict[str, list[dict[str, Any]]] = {}
        for item in value:
            self._labels.setdefault(str(item["run"]), []).append(item)
        self._met: set[str] = set()

    @staticmethod
    def fits(value: Any) -> bool:
        return (
            isinstance(value, list)
            and bool(value)
            and all(isinstance(item, dict) and {"run", "codebook", "labels", "none"} <= item.keys() for item in value)
        )

    def truths(self, run: Run, path: Path, ties: tuple[str, ...], codebooks: Codebooks) -> list[RunTruth]:
        if path.name not in self._labels or not _belongs(path, self.path):
            return []
        self._met.add(path.name)
        modes: dict[str, Verdict] = {}
        roots: list[int] = []
        for item in self._labels[path.name]:
            modes |= dict(_reference_modes(run, item, codebooks))
            roots += [label["first_step"] - 1 for label in item["labels"] if label.get("root_cause")]
        judged = Judged(Span(0, len(run.steps) - 1), "the runs' author", modes)
        return [
            RunTruth(
                REFERENCE, "staged", path.name, run.header.system or run.header.format, len(run.steps), (judged,),
                decisive=min(roots, default=None), ties=ties,
            )
        ]  # fmt: skip

    def unmatched(self) -> Mapping[str, int]:
        return Counter({f"labels in {self.path.name} without a run": len(self._labels.keys() - self._met)})


def _reference_modes(run: Run, item: dict[str, Any], codebooks: Codebooks) -> Iterator[tuple[str, Verdict]]:
    try:
        book = codebooks.get(str(item["codebook"]))
    except UsageError:
        return
    found: dict[str, list[dict[str, Any]]] = {}
    for label in item["labels"]:
        found.setdefault(label["mode"], []).append(label)
    for mode in book.modes:
        labels = found.get(mode.slug, [])
        spans = tuple(Span(label["first_step"] - 1, label["last_step"] - 1) for label in labels)
        places = tuple(_passage(run, place["step"] - 1, place["quote"]) for it in labels for place in it["evidence"])
        yield f"{mode.slug}@{book.id}", Verdict(bool(labels), spans, places)


def _passage(run: Run, index: int, quote: str) -> Passage:
    """Where a quote stands in its step."""
    if 0 <= index < len(run.steps):
        for place, part in enumerate(run.steps[index].parts):
            start = part.text.find(quote)
            if start >= 0:
                return Passage(index, place, start, start + len(quote))
    return Passage(index)

"""What the tests of scoring share: truths and claims made by hand, a detector that finds words, blind decisions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from helpers import load, write_run

from labels.codebook import Codebooks, load_all
from labels.detectors.base import Finding, Quote, RunMeta
from labels.ledger import Ledger, chunk_target, run_target
from labels.model import Act, Label, Op, SetLabel, SetNone, SetVerdict, StepRef, Target
from labels.scoring.features import facts_of
from labels.scoring.predict import Looked
from labels.scoring.truth import Claim, Judged, Passage, RunTruth, Span, Trust, Verdict
from sessions import catalog
from sessions.bodies import StoredStep
from sessions.catalog import RunInfo
from sessions.chunks import Policy, chunk_ref, chunks_of
from sessions.store import Store

REPETITION, RESET = "step-repetition@mast", "conversation-reset@mast"
BOOKS: Codebooks = load_all()
MAST = BOOKS.get("mast")


# -- by hand ------------------------------------------------------------------------------------------------------


def truth(
    run: str,
    modes: Mapping[str, bool | Verdict] | None = None,
    *,
    system: str = "A",
    steps: int = 10,
    trust: Trust = "sound",
    corpus: str = "made up",
    **more: Any,
) -> RunTruth:
    """A run judged as a whole on some modes."""
    said = {mode: item if isinstance(item, Verdict) else Verdict(item) for mode, item in (modes or {}).items()}
    judged = (Judged(Span(0, steps - 1), "a person", said),) if said else ()
    return RunTruth(corpus, trust, run, system, steps, judged, **more)


def claim(detector: str = "words", mode: str = REPETITION, first: int = 0, last: int | None = None, score: float = 0.5,
          quoted: Sequence[int] | None = None) -> Claim:  # fmt: skip
    """A claim that quotes its first step, or other ones."""
    places = tuple(Passage(step, 0, 0, 1) for step in ((first,) if quoted is None else quoted))
    return Claim(detector, "1", mode, Span(first, first if last is None else last), places, score)


def looked(known: RunTruth, *claims: Claim, detectors: Sequence[str] = ("words",)) -> Looked:
    """A run at which these detectors have looked."""
    return Looked((known,), list(claims), dict.fromkeys(detectors, "1"))


# -- a detector ---------------------------------------------------------------------------------------------------


class _Watch:
    def __init__(self, word: str, mode: str) -> None:
        self.word, self.mode = word, mode

    def feed(self, steps: Sequence[StoredStep]) -> Iterable[Finding]:
        for stored in steps:
            for place, part in enumerate(stored.step.parts):
                start = part.text.find(self.word)
                if start >= 0:
                    quote = Quote(stored.index, place, start, start + len(self.word), self.word)
                    score = min(1.0, part.text.count(self.word) / 10)
                    yield Finding(self.mode, stored.index, stored.index, (quote,), score, "The word stands there.")

    def finish(self) -> Iterable[Finding]:
        return ()


class WordDetector:
    """Suspects a mode wherever a word stands; a tenth of surety for each time in the part."""

    version, title, source, needs, default = "1", "A word", "the tests", frozenset(), True
    params: Mapping[str, Any] = {}

    def __init__(self, word: str = "again", mode: str = REPETITION, id: str = "words") -> None:
        self.id, self.word, self.modes = id, word, (mode,)

    def start(self, run: RunMeta) -> _Watch:
        return _Watch(self.word, self.modes[0])


# -- in a database ------------------------------------------------------------------------------------------------


def put_runs(store: Store, folder: Path, runs: Mapping[str, Sequence[Any]], **header: Any) -> dict[str, RunInfo]:
    """Runs in a database, by name. The lines of a run are its steps, as `helpers.line_of` takes them."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    for name, steps in runs.items():
        path = write_run(folder / f"{name}.jsonl", steps)
        if header:
            import json

            path.write_text(json.dumps({"run": {"title": name, **header}}) + "\n" + path.read_text())
        (imported,) = load(store, path)
        run = catalog.run_by_id(store, imported.run)
        assert run is not None
        found[name] = run
    return found


def chunk(store: Store, run: RunInfo, number: int = 1, policy: str = "every:5") -> Target:
    """A chunk of a run, by its number."""
    parsed = Policy.parse(policy)
    return chunk_target(chunk_ref(store, run, chunks_of(store, run, parsed), number - 1), str(parsed))


def whole(store: Store, run: RunInfo) -> Target:
    return run_target(store, run)


def label(store: Store, run: RunInfo, slug: str, first: int, last: int | None = None, **more: Any) -> SetLabel:
    """The act of labelling steps first..last (indices). The label's id is its mode unless another is given."""
    ends = [
        StepRef(id=catalog.step_id(store, run.no, at) or "", index=at)
        for at in (first, first if last is None else last)
    ]
    fields = {"id": slug, "codebook": MAST.ref, **more}
    return SetLabel(label=Label(mode=slug, first=ends[0], last=ends[1], **fields))


NONE = SetNone(codebook=MAST.ref)
APPROVE = SetVerdict(verdict="approve")


def say(store: Store, run: RunInfo, target: Target, *ops: Op, by: str = "ann", blind: bool = True, **more: Any) -> None:
    """Record an act."""
    act = Act(target=target, ops=ops, blind_suggestions=blind, blind_votes=True, **more)
    Ledger(store, by).record(run, act)


def facts(steps: Sequence[Any]) -> Any:
    """The facts of steps in memory."""
    from labels.detecting import numbered
    from sessions.run import Header, Run

    return facts_of(numbered(Run(Header("made up"), list(steps))))

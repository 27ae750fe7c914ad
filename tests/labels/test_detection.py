"""Detection on stored runs: who is asked again and who is not, what is kept, what is replaced, and which are on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from helpers import load, put, write_run

from labels import detection, suggestions
from labels.codebook import Codebooks, load_all
from labels.detecting import Progress
from labels.detectors import BUILT_IN, Finding, Quote, RunMeta
from labels.ledger import Ledger, chunk_target
from labels.model import Act, SetAnswer
from labels.suggestions import Suggestion, suggestions_of
from labels.views import looks
from sessions import catalog
from sessions.bodies import StoredStep
from sessions.catalog import RunInfo
from sessions.chunks import Policy, chunk_ref, chunks_of
from sessions.errors import UserError
from sessions.run import Part, Step
from sessions.store import Store

BOOKS: Codebooks = load_all()
MODE = "step-repetition@mast"


@dataclass
class Words:
    """A detector that suspects every step with one of its words in it, and counts how often it was started."""

    words: tuple[str, ...] = ("loop",)
    id: str = "words"
    version: str = "1"
    params: dict[str, Any] = field(default_factory=dict)
    mode: str = MODE
    title: str = "Words"
    source: str = "this test"
    modes: tuple[str, ...] = (MODE,)
    needs: frozenset[Any] = frozenset()
    default: bool = True
    fails_at: int | None = None
    look_back: bool = False
    lies: bool = False
    started: int = 0
    seen: list[int] = field(default_factory=list)

    def start(self, run: RunMeta) -> Words:
        self.started += 1
        self.seen = []
        return self

    def feed(self, steps: Sequence[StoredStep]) -> Iterable[Finding]:
        for stored in steps:
            self.seen.append(stored.index)
            if stored.index == self.fails_at:
                raise RuntimeError("it broke")
            if not self.look_back:
                yield from self._found(stored.index, stored.step.parts[0].text)

    def _found(self, index: int, text: str) -> Iterable[Finding]:
        for word in self.words:
            start = text.find(word)
            if start >= 0:
                yield Finding(
                    self.mode, index, index, (Quote(index, 0, start, start + len(word), word),), 0.5, "A word."
                )

    def finish(self) -> Iterable[Finding]:
        if self.look_back:
            text = "lie!" if self.lies else self.words[0]
            yield Finding(self.mode, 0, 0, (Quote(0, 0, 0, len(text), text),), 0.5, "Of an earlier batch.")


@pytest.fixture
def store(tmp_path: Path):
    with Store.open(tmp_path / "r.db") as opened:
        yield opened


@pytest.fixture
def run(store: Store, tmp_path: Path) -> RunInfo:
    return put(store, tmp_path / "run.jsonl", ["loop one", "step two", "loop three", "jump four"])


def detect(store: Store, run: RunInfo, *wanted: Words, **more: Any) -> list[Progress]:
    return detection.detect(store, run, wanted, BOOKS, **more)


def found(store: Store, run: RunInfo) -> list[tuple[str, int]]:
    return [(item.evidence[0].quote, item.first.index) for item in suggestions_of(store, run)]


def state(store: Store, run: RunInfo) -> list[tuple[str, str, str, int]]:
    return [(look.detector, look.version, look.state, look.found) for look in looks(store, run)]


# -- the cache ----------------------------------------------------------------------------------------------------


def test_what_is_found_is_kept_and_that_it_was_looked_at(store: Store, run: RunInfo) -> None:
    (progress,) = detect(store, run, Words())
    assert (progress.found, progress.off) == (2, None)
    assert found(store, run) == [("loop", 0), ("loop", 2)]
    assert state(store, run) == [("words", "1", "done", 2)]
    (first, _) = suggestions_of(store, run)
    assert first.first.id == catalog.step_id(store, run.no, 0)
    assert (first.codebook, first.code) == (BOOKS.get("mast").ref, "1.3")


def test_the_same_version_is_not_asked_again(store: Store, run: RunInfo) -> None:
    words = Words()
    detect(store, run, words)
    assert detect(store, run, words) == []
    assert words.started == 1
    assert len(detect(store, run, words, again=True)) == 1
    assert words.started == 2
    assert found(store, run) == [("loop", 0), ("loop", 2)]


@pytest.mark.parametrize("change", [{"version": "2"}, {"params": {"least": 3}}, {"id": "other"}])
def test_another_version_or_another_threshold_is_asked(store: Store, run: RunInfo, change: dict[str, Any]) -> None:
    detect(store, run, Words())
    other = Words(**change)
    assert detection.stale(store, run, [Words(), other]) == [other]
    assert len(detect(store, run, Words(), other)) == 1
    assert other.started == 1
    assert detection.stale(store, run, [other]) == []


def test_parameters_are_compared_by_value_not_by_order(store: Store, run: RunInfo) -> None:
    detect(store, run, Words(params={"a": 1, "b": [2]}))
    assert detection.stale(store, run, [Words(params={"b": [2], "a": 1})]) == []


def test_a_run_that_has_grown_is_looked_at_again(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "grows.jsonl"
    before = put(store, path, ["loop one", "two"])
    words = Words()
    detect(store, before, words)
    (imported,) = load(store, write_run(path, ["loop one", "two", "loop three"]))
    after = catalog.run_by_id(store, imported.run)
    assert after is not None
    assert (after.id, after.steps) == (before.id, 3)
    assert looks(store, after) == (), "nobody has looked at the run as it is now"
    assert found(store, after) == [("loop", 0)], "what was found stays until somebody has"
    detect(store, after, words)
    assert words.started == 2
    assert words.seen == [0, 1, 2]
    assert found(store, after) == [("loop", 0), ("loop", 2)]


def test_a_run_that_was_not_read_to_its_end_is_refused(store: Store, run: RunInfo) -> None:
    with pytest.raises(UserError, match="not read to its end"):
        detect(store, replace(run, state="importing"), Words())


def test_a_long_run_comes_in_batches_and_is_seen_whole(store: Store, tmp_path: Path) -> None:
    long = put(store, tmp_path / "long.jsonl", [f"step {n} loop" if n % 10 == 0 else f"step {n}" for n in range(95)])
    words = Words()
    detect(store, long, words)
    assert words.seen == list(range(95))
    assert [index for _, index in found(store, long)] == list(range(0, 95, 10))


# -- what a later version says ------------------------------------------------------------------------------------


def test_what_a_later_version_finds_no_more_is_replaced_and_kept_for_those_who_answered(
    store: Store, run: RunInfo
) -> None:
    detect(store, run, Words())
    gone, stays = suggestions_of(store, run)
    answer(store, run, gone)
    detect(store, run, Words(words=("three", "jump"), version="2"))
    assert found(store, run) == [("three", 2), ("jump", 3)]
    rows = {row[0]: row[1] for row in store.query("SELECT id, replaced FROM suggestion WHERE run = ?", [run.id])}
    assert rows[gone.id] == rows[stays.id] == 1
    assert Ledger(store, "ann").decisions(run)[0].answers, "the answer is still there"
    assert state(store, run) == [("words", "2", "done", 2)]


def test_what_is_found_again_is_the_same_suggestion_and_asks_nobody_twice(store: Store, run: RunInfo) -> None:
    detect(store, run, Words())
    before = [item.id for item in suggestions_of(store, run)]
    detect(store, run, Words(words=("loop", "jump"), version="2"))
    after = suggestions_of(store, run)
    assert [item.id for item in after][:2] == before
    assert [item.version for item in after] == ["2", "2", "2"]


def test_what_was_replaced_comes_back_when_it_is_found_again(store: Store, run: RunInfo) -> None:
    detect(store, run, Words())
    before = found(store, run)
    detect(store, run, Words(words=("jump",), version="2"))
    detect(store, run, Words(version="3"))
    assert found(store, run) == before


def test_each_detector_replaces_only_its_own(store: Store, run: RunInfo) -> None:
    detect(store, run, Words(), Words(id="jumps", words=("jump",)))
    detect(store, run, Words(words=("no such word",), version="2"))
    assert found(store, run) == [("jump", 3)]


def test_suggestions_of_two_detectors_stand_side_by_side(store: Store, run: RunInfo) -> None:
    detect(store, run, Words(), Words(id="again", words=("loop",)))
    assert found(store, run) == [("loop", 0), ("loop", 0), ("loop", 2), ("loop", 2)]


def answer(store: Store, run: RunInfo, suggestion: Suggestion) -> None:
    chunks = chunks_of(store, run, Policy.parse("every:5"))
    target = chunk_target(chunk_ref(store, run, chunks, 0), "every:5")
    op = SetAnswer(suggestion=suggestion.id, answer="accept", seconds=1.0)
    Ledger(store, "ann").record(run, Act(target=target, ops=(op,), blind_suggestions=False, blind_votes=True))


# -- faults -------------------------------------------------------------------------------------------------------


def test_one_that_was_switched_off_says_so_and_keeps_what_there_was(store: Store, run: RunInfo) -> None:
    detect(store, run, Words())
    (progress,) = detect(store, run, Words(version="2", words=("jump",), fails_at=2))
    assert progress.off == "RuntimeError: it broke"
    (look,) = looks(store, run)
    assert (look.state, look.reason, look.version) == ("off", "RuntimeError: it broke", "2")
    assert found(store, run) == [("loop", 0), ("loop", 2)], "one that broke down says nothing about what is no more"


def test_one_that_was_switched_off_is_not_asked_again_until_it_changes(store: Store, run: RunInfo) -> None:
    detect(store, run, Words(fails_at=0))
    assert detection.stale(store, run, [Words()]) == []
    assert detection.stale(store, run, [Words(version="2")]) != []


def test_quotes_of_earlier_batches_are_read_again(store: Store, tmp_path: Path) -> None:
    run = put(store, tmp_path / "long.jsonl", ["loop first", *[f"step {n}" for n in range(60)]])
    detect(store, run, Words(id="true", look_back=True), Words(id="lies", look_back=True, lies=True))
    assert [item.detector for item in suggestions_of(store, run)] == ["true"]
    assert state(store, run) == [("lies", "1", "done", 0), ("true", "1", "done", 1)]


def test_what_is_cancelled_was_not_looked_at(store: Store, tmp_path: Path) -> None:
    run = put(store, tmp_path / "long.jsonl", [f"loop {n}" for n in range(100)])
    assert detect(store, run, Words(), cancelled=lambda: True) == []
    assert looks(store, run) == ()
    assert detection.stale(store, run, [Words()]) != []


def test_steps_without_parts_and_with_binary_text_are_no_trouble(store: Store, tmp_path: Path) -> None:
    steps = [Step("agent", "agent", []), Step("agent", "agent", [Part("text", "\x00\x01\ufffd loop \x1b[31m")])]
    run = put(store, tmp_path / "odd.jsonl", steps)
    progress = detection.detect(store, run, detection.enabled(store), BOOKS)
    assert [(state.off, state.found) for state in progress] == [(None, 0)] * 3


# -- suggestions --------------------------------------------------------------------------------------------------


def test_a_suggestion_without_evidence_is_not_kept(store: Store, run: RunInfo) -> None:
    detect(store, run, Words())
    (bare, _) = suggestions_of(store, run)
    with pytest.raises(ValueError, match="quotes no evidence"):
        suggestions.save(store, run, [bare.model_copy(update={"evidence": ()})])


def test_saving_tells_how_many_are_new(store: Store, run: RunInfo) -> None:
    detect(store, run, Words())
    first, second = suggestions_of(store, run)
    other = first.model_copy(update={"mode": "conversation-reset"})
    assert suggestions.save(store, run, [first, other, other, second]) == 1
    assert len(suggestions_of(store, run)) == 3


@pytest.mark.parametrize("field", ["mode", "first", "last", "detector", "evidence"])
def test_the_id_is_what_is_claimed(store: Store, run: RunInfo, field: str) -> None:
    detect(store, run, Words())
    one, other = suggestions_of(store, run)
    same = one.model_copy(update={"score": 0.9, "rationale": "else", "version": "7", "probability": 0.3})
    assert same.id == one.id
    value = "different" if field in ("mode", "detector") else getattr(other, field)
    assert one.model_copy(update={field: value}).id != one.id


# -- which are on -------------------------------------------------------------------------------------------------


def test_switches_are_kept_and_the_default_holds_for_the_rest(store: Store) -> None:
    on = {item.id for item in detection.enabled(store)}
    assert {"repetition", "reset", "irreversible"} <= on
    detection.switch(store, "repetition", False)
    detection.switch(store, "reset", True)
    assert detection.switches(store) == {"repetition": False, "reset": True}
    assert {item.id for item in detection.enabled(store)} == on - {"repetition"}
    detection.switch(store, "repetition", True)
    assert {item.id for item in detection.enabled(store)} == on


def test_switches_outlive_the_program(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s.db") as first:
        detection.switch(first, "irreversible", False)
    with Store.open(tmp_path / "s.db") as again:
        assert "irreversible" not in {item.id for item in detection.enabled(again)}


def test_an_unknown_detector_cannot_be_switched(store: Store) -> None:
    with pytest.raises(UserError, match="no detector 'nope'"):
        detection.switch(store, "nope", True)
    assert detection.switches(store) == {}


def test_only_what_is_measured_well_is_on_by_default(store: Store) -> None:
    assert {item.id for item in detection.enabled(store)} == {"repetition", "reset", "irreversible"}
    assert set(BUILT_IN) > {"repetition", "reset", "irreversible"}

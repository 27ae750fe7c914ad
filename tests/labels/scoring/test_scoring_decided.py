"""What of the database's decisions is truth: blind, finished, settled; and what is left out, and why."""

from pathlib import Path

import pytest
from labelled import (
    APPROVE,
    BOOKS,
    NONE,
    REPETITION,
    RESET,
    WordDetector,
    chunk,
    label,
    put_runs,
    say,
    whole,
)

from labels import queues
from labels.detection import detect
from labels.ledger import Ledger
from labels.model import Clear, RemoveLabel, SetVerdict
from labels.scoring import decided, votes
from labels.scoring.truth import Account, Span
from sessions.store import Store

STEPS = [f"step {place} again" if place in (3, 7) else f"step {place}" for place in range(12)]


@pytest.fixture
def store(tmp_path: Path):
    with Store.open(tmp_path / "review.db") as opened:
        yield opened


@pytest.fixture
def run(store: Store, tmp_path: Path):
    return put_runs(store, tmp_path / "runs", {"one": STEPS})["one"]


def judged(store: Store) -> tuple[dict[Span, dict[str, bool]], Account]:
    """The units of the only run, and what was left out."""
    account = Account()
    cases = list(decided.cases(store, BOOKS, account))
    units = [unit for case in cases for truth in case.truths for unit in truth.judged]
    return {unit.span: {mode: said.present for mode, said in unit.modes.items()} for unit in units}, account


def test_labels_judge_the_whole_codebook(store: Store, run) -> None:
    say(store, run, chunk(store, run, 1), label(store, run, "step-repetition", 3), APPROVE)
    found, account = judged(store)
    assert found[Span(0, 4)][REPETITION] is True
    assert found[Span(0, 4)][RESET] is False
    assert len(found[Span(0, 4)]) == len(BOOKS.get("mast").modes)
    assert not account.left_out
    assert account.used == ["1 chunks (or whole runs) decided blind, by 1 reviewer(s)"]


def test_none_says_absent_and_a_bare_approval_says_nothing(store: Store, run) -> None:
    say(store, run, chunk(store, run, 1), NONE, APPROVE)
    say(store, run, chunk(store, run, 2), APPROVE)
    say(store, run, chunk(store, run, 3), NONE)
    found, account = judged(store)
    assert list(found) == [Span(0, 4)]
    assert not any(found[Span(0, 4)].values())
    assert account.left_out == {votes.UNJUDGED: 1, votes.UNFINISHED: 1}


def test_what_was_said_after_seeing_suggestions_does_not_count(store: Store, run) -> None:
    say(store, run, chunk(store, run, 1), label(store, run, "step-repetition", 3), APPROVE, blind=False)
    assert judged(store) == (
        {},
        Account(["0 chunks (or whole runs) decided blind, by 0 reviewer(s)"], {votes.AFTER: 1}),
    )


def test_a_blind_chunk_counts_as_it_was_before_the_reveal(store: Store, run) -> None:
    """Labels added and taken away with suggestions in view change nothing."""
    target = chunk(store, run, 1)
    say(store, run, target, label(store, run, "step-repetition", 3), APPROVE)
    say(store, run, target, label(store, run, "conversation-reset", 4), RemoveLabel(id="step-repetition"), blind=False)
    found, account = judged(store)
    assert (found[Span(0, 4)][REPETITION], found[Span(0, 4)][RESET]) == (True, False)
    assert not account.left_out


def test_corrections_while_still_blind_count(store: Store, run) -> None:
    target = chunk(store, run, 1)
    say(store, run, target, label(store, run, "step-repetition", 3), APPROVE)
    Ledger(store, "ann").undo(run)
    say(store, run, target, label(store, run, "conversation-reset", 3), APPROVE)
    found, _ = judged(store)
    assert (found[Span(0, 4)][REPETITION], found[Span(0, 4)][RESET]) == (False, True)
    say(store, run, target, Clear(), NONE, APPROVE)
    assert not any(judged(store)[0][Span(0, 4)].values())


def test_an_undo_in_view_of_suggestions_takes_nothing_back(store: Store, run) -> None:
    queues.create(store, "q", [run], blind_share=1.0)
    target = chunk(store, run, 1)
    say(store, run, target, label(store, run, "step-repetition", 3), APPROVE)
    Ledger(store, "ann").undo(run)
    found, account = judged(store)
    assert found[Span(0, 4)][REPETITION] is True
    assert not account.left_out


def test_an_undo_when_nobody_knows_what_was_in_view_leaves_it_open(store: Store, run) -> None:
    target = chunk(store, run, 1)
    say(store, run, target, label(store, run, "step-repetition", 3), APPROVE)
    Ledger(store, "ann").undo(run)
    assert judged(store)[0] == {}
    assert judged(store)[1].left_out == {votes.TAKEN_BACK: 1}
    Ledger(store, "ann").redo(run)
    found, account = judged(store)
    assert found[Span(0, 4)][REPETITION] is True
    assert not account.left_out


def test_an_undone_verdict_with_the_same_labels_is_no_change(store: Store, run) -> None:
    target = chunk(store, run, 1)
    say(store, run, target, label(store, run, "step-repetition", 3))
    say(store, run, target, APPROVE)
    Ledger(store, "ann").undo(run)
    assert judged(store)[0][Span(0, 4)][REPETITION] is True


def test_abstaining_unsure_labels_and_policies_judge_nothing(store: Store, run) -> None:
    say(store, run, chunk(store, run, 1), NONE, SetVerdict(verdict="abstain"))
    unsure = label(store, run, "step-repetition", 7, sure=False)
    say(store, run, chunk(store, run, 2), unsure, APPROVE)
    say(store, run, chunk(store, run, 3), NONE, APPROVE, how="policy")
    found, account = judged(store)
    assert list(found) == [Span(5, 9)]
    assert REPETITION not in found[Span(5, 9)]
    assert found[Span(5, 9)][RESET] is False
    assert account.left_out == {votes.ABSTAINED: 1, decided.UNSURE: 1, votes.POLICY: 1}


def test_reviewers_are_settled_by_majority_and_a_split_is_left_out(store: Store, run) -> None:
    target = chunk(store, run, 1)
    for name, slugs in {
        "ann": ["step-repetition"],
        "bob": ["step-repetition", "conversation-reset"],
        "cat": [],
    }.items():
        labels = [label(store, run, slug, 3 if name == "ann" else 2) for slug in slugs]
        say(store, run, target, *(labels or [NONE]), APPROVE, by=name)
    found, account = judged(store)
    assert (found[Span(0, 4)][REPETITION], found[Span(0, 4)][RESET]) == (True, False)
    (case,) = decided.cases(store, BOOKS, Account())
    assert case.truths[0].judged[0].modes[REPETITION].spans == (Span(3, 3), Span(2, 2))
    say(store, run, target, NONE, APPROVE, by="dan")
    found, account = judged(store)
    assert REPETITION not in found[Span(0, 4)], "two and two"
    assert found[Span(0, 4)][RESET] is False
    assert account.left_out == {decided.DIVIDED: 1}


def test_a_run_judged_as_a_whole_is_not_free_of_what_was_labelled_in_its_chunks(store: Store, run) -> None:
    say(store, run, chunk(store, run, 1), label(store, run, "conversation-reset", 3), APPROVE, blind=False)
    say(store, run, whole(store, run), label(store, run, "step-repetition", 3, 7), APPROVE)
    found, _ = judged(store)
    assert list(found) == [Span(0, 11)]
    assert found[Span(0, 11)][REPETITION] is True
    assert RESET not in found[Span(0, 11)]


def test_a_codebook_that_is_not_loaded(store: Store, run) -> None:
    say(store, run, chunk(store, run, 1), NONE, APPROVE)
    account = Account()
    assert not list(decided.cases(store, BOOKS.only("safety"), account))
    assert account.left_out == {decided.NO_BOOK: 1}


def test_kept_suggestions_serve_while_they_are_of_this_version(store: Store, run) -> None:
    detector = WordDetector()
    say(store, run, chunk(store, run, 1), NONE, APPROVE)
    assert decided.kept_claims(store, run, [detector]) == {}
    detect(store, run, [detector], BOOKS)
    kept = decided.kept_claims(store, run, [detector])
    assert [claim.span.first for claim in kept["words"]] == [3, 7]
    newer = WordDetector()
    newer.version = "2"
    assert decided.kept_claims(store, run, [newer]) == {}
    assert list(decided.kept_claims(store, run, [])) == ["words"], "what is not asked for stands as it is: a judge, say"


def test_the_decisive_step_is_the_root_cause_or_the_first_label_with_nothing_undecided_before_it(
    store: Store, run
) -> None:
    def decisive() -> int | None:
        return decided.decisive_of(store, run, list(votes.blind_votes(store, Account())))

    say(store, run, chunk(store, run, 2), label(store, run, "step-repetition", 7), APPROVE)
    assert decisive() is None, "chunk 1 may hold an earlier one"
    say(store, run, chunk(store, run, 1), NONE, APPROVE)
    assert decisive() == 7
    say(store, run, chunk(store, run, 3), label(store, run, "conversation-reset", 11, root_cause=True), APPROVE)
    assert decisive() == 11, "the root cause says more than the order"
    for name in ("bob", "cat"):
        say(
            store, run, chunk(store, run, 1), label(store, run, "step-repetition", 2, root_cause=True), APPROVE, by=name
        )
    assert decisive() == 2, "most reviewers"

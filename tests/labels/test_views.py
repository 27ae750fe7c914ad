"""Decisions and suggestions as plain objects: the same as the checked models say."""

import pytest
from helpers import put

from labels import views
from labels.codebook_ref import CodebookRef
from labels.ledger import Ledger, chunk_target, run_target
from labels.model import (
    Act,
    Evidence,
    Label,
    SetAnswer,
    SetLabel,
    SetNone,
    SetNote,
    SetVerdict,
    StepRef,
)
from labels.suggestions import Suggestion, save
from sessions import catalog
from sessions.chunks import Policy, chunk_ref, chunks_of
from sessions.store import Store

BOOK = CodebookRef(id="mast", version="1", sha256="0" * 64)
OTHER = CodebookRef(id="own", version="2", sha256="1" * 64)


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "review.db") as opened:
        yield opened


@pytest.fixture
def run(store, tmp_path):
    return put(store, tmp_path / "run.lines", [f"step {number} says something" for number in range(12)])


def ref(store, run, index) -> StepRef:
    return StepRef(id=catalog.step_id(store, run.no, index), index=index)


def evidence(store, run, index) -> Evidence:
    return Evidence(step=ref(store, run, index), part=0, start=0, end=4, quote="step")


def record(store, run, chunk, *ops, reviewer="ann", policy="every:5"):
    chunks = chunks_of(store, run, Policy.parse(policy))
    target = run_target(store, run) if chunk == "run" else chunk_target(chunk_ref(store, run, chunks, chunk), policy)
    Ledger(store, reviewer).record(run, Act(target=target, ops=ops, blind_suggestions=True, blind_votes=True))


def label(store, run, index, **more) -> Label:
    return Label(
        id=f"l{index}",
        mode="m",
        code="1.1",
        name="M",
        codebook=BOOK,
        first=ref(store, run, index),
        last=ref(store, run, index),
        evidence=(evidence(store, run, index),),
        **more,
    )


def test_views_say_what_the_models_say(store, run):
    record(
        store,
        run,
        1,
        SetVerdict(verdict="rollback", to=ref(store, run, 3)),
        SetNote(text="n"),
        SetLabel(label=label(store, run, 6, note="why", sure=False, suggestion="s1")),
        SetNone(codebook=OTHER),
        SetAnswer(suggestion="s1", answer="accept", label="l6", seconds=2.5),
    )
    (seen,) = views.decisions(store, run, "ann")
    (checked,) = Ledger(store, "ann").decisions(run)
    assert (seen.verdict, seen.to, seen.note) == ("rollback", 3, "n")
    assert (seen.scope, seen.number, seen.first, seen.last) == ("chunk", 2, 5, 9)
    assert (seen.chunk, seen.reviewer, seen.at) == (checked.target.id, "ann", checked.at)
    assert seen.none == ("own",)
    assert seen.answers == {"s1": "accept"}
    assert seen.judged
    (found,) = seen.labels
    assert found.data == checked.labels[0].model_dump(mode="json")
    assert (found.id, found.mode, found.code, found.name, found.codebook) == ("l6", "m", "1.1", "M", "mast")
    assert (found.first, found.last, found.sure, found.note, found.suggestion) == (6, 6, False, "why", "s1")
    assert [(item.index, item.part, item.start, item.end, item.quote) for item in found.evidence] == [
        (6, 0, 0, 4, "step")
    ]


def test_decisions_come_in_the_order_of_their_steps(store, run):
    for chunk in (2, 0, "run", 1):
        record(store, run, chunk, SetVerdict(verdict="approve"))
    found = views.decisions(store, run, "ann")
    assert [item.first for item in found] == [0, 0, 5, 10]
    assert {item.scope for item in found[:2]} == {"chunk", "run"}


def test_only_ones_own_are_seen(store, run):
    record(store, run, 0, SetVerdict(verdict="approve"))
    record(store, run, 0, SetVerdict(verdict="stop"), reviewer="bob")
    assert [item.verdict for item in views.decisions(store, run, "ann")] == ["approve"]
    assert [item.verdict for item in views.decisions(store, run, "bob")] == ["stop"]
    assert views.decisions(store, run, "carl") == []


def test_only_a_label_or_none_judges(store, run):
    record(store, run, 0, SetVerdict(verdict="approve"), SetNote(text="fine"))
    record(store, run, 1, SetNone(codebook=BOOK))
    record(store, run, 2, SetLabel(label=label(store, run, 11)))
    assert [item.judged for item in views.decisions(store, run, "ann")] == [False, True, True]


def test_suggestions_come_in_the_order_of_their_steps(store, run):
    made = [
        Suggestion(
            mode="m",
            code="1.1",
            name="M",
            codebook=BOOK,
            first=ref(store, run, index),
            last=ref(store, run, index),
            evidence=(evidence(store, run, index),),
            score=0.5,
            probability=probability,
            detector="d",
            version="1",
            rationale="r",
        )
        for index, probability in ((9, None), (2, 0.25))
    ]
    save(store, run, made)
    found = views.suggestions(store, run)
    assert [(item.first, item.probability) for item in found] == [(2, 0.25), (9, None)]
    assert [item.id for item in found] == [made[1].id, made[0].id]
    assert (found[0].mode, found[0].codebook, found[0].score, found[0].detector) == ("m", "mast", 0.5, "d")
    assert found[0].evidence[0].quote == "step"


def test_views_follow_a_joined_run(store, run, tmp_path):
    """What was said of a copy while it was read counts for the run that it was joined with."""
    from helpers import load, write_run

    from sessions.ingest import Watch

    said = []

    def started(id: str) -> None:
        record(store, catalog.run_by_id(store, id), 0, SetVerdict(verdict="approve"))
        said.append(id)

    copy = write_run(tmp_path / "copy.lines", [f"step {number} says something" for number in range(12)])
    (imported,) = load(store, copy, Watch(started=started))
    assert said
    assert said[0] != imported.run
    assert imported.run == run.id
    assert [item.verdict for item in views.decisions(store, run, "ann")] == ["approve"]

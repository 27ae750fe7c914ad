"""Agreement from a database: which votes count, and what is said of what cannot be computed."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import put, quick
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from labels import suggestions
from labels.agreement import Agreement, Options, agreement, reviewers, votes
from labels.agreement.steps import plain_agent
from labels.agreement.votes import POLICY, REWORDED, SEEN, TWICE, UNFINISHED, UNSURE
from labels.codebook import Codebook, Codebooks
from labels.importing import import_labels
from labels.ledger import Ledger, chunk_target, rebuild, run_target
from labels.maintenance import remember_codebook
from labels.model import Act, Clear, Evidence, Label, Op, SetLabel, SetNone, SetVerdict, Shown, StepRef
from labels.scoring.metrics import Estimate
from labels.suggestions import Suggestion
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.chunks import Policy, chunk_ref, chunks_of
from sessions.store import Store

POLICY_TEXT = "every:2"
SLUGS = ("loop", "reset", "never")


def book(version: str = "1", loop: str = "It does the same thing again.", slugs: tuple[str, ...] = SLUGS) -> Codebook:
    modes = [
        {"slug": slug, "name": slug.title(), "definition": loop if slug == "loop" else "As it says."} for slug in slugs
    ]
    return Codebook.model_validate({"id": "own", "version": version, "title": "Own", "mode": modes})


BOOK = book()
BOOKS = Codebooks((BOOK,))


class Desk:
    """A database with runs of six steps (three chunks), and people who decide in it."""

    def __init__(self, store: Store, folder: Path, runs: int = 4) -> None:
        self.store = store
        self.runs = [put(store, folder / f"{n}.jsonl", [f"run {n} step {k}" for k in range(6)]) for n in range(runs)]
        remember_codebook(store, BOOK)

    def say(
        self,
        who: str,
        run: int,
        chunk: int | None,
        *modes: str | tuple[str, int],
        using: Codebook = BOOK,
        verdict: str | None = "approve",
        unsure: bool = False,
        root: bool = False,
        **more: Any,
    ) -> None:
        """A whole decision. modes: labels, () for "none"; a pair names the step."""
        info = self.runs[run]
        target = self.target(info, chunk)
        ops: list[Op] = [Clear()]
        if verdict:
            ops.append(SetVerdict(verdict=verdict))  # type: ignore[arg-type]
        for mode in modes:
            slug, step = mode if isinstance(mode, tuple) else (mode, target.first.index)
            ref = StepRef(id=catalog.step_id(self.store, info.no, step) or "", index=step)
            ops.append(
                SetLabel(
                    label=Label(
                        id=f"{slug}{step}", mode=slug, codebook=using.ref, first=ref, last=ref, sure=not unsure,
                        root_cause=root,
                    )
                )
            )  # fmt: skip
        if not modes:
            ops.append(SetNone(codebook=using.ref))
        blind = {"blind_suggestions": True, "blind_votes": True}
        Ledger(self.store, who).record(info, Act(target=target, ops=tuple(ops), **{**blind, **more}))

    def target(self, info: RunInfo, chunk: int | None) -> Any:
        if chunk is None:
            return run_target(self.store, info)
        chunks = chunks_of(self.store, info, Policy.parse(POLICY_TEXT))
        return chunk_target(chunk_ref(self.store, info, chunks, chunk), POLICY_TEXT)

    def agree(self, books: Codebooks = BOOKS, **options: Any) -> Agreement:
        return agreement(self.store, books, Options(**options))


@pytest.fixture
def desk(tmp_path: Path):
    with Store.open(tmp_path / "r.db") as store:
        yield Desk(store, tmp_path)


def of(found: Agreement, mode: str) -> Any:
    return next(item for item in found.modes if item.mode == mode)


def fill(desk: Desk, table: dict[str, str]) -> None:
    """table: name -> one letter a chunk: `l` a loop, `r` a reset, `b` both, `.` none, blank nothing said."""
    modes = {"l": ("loop",), "r": ("reset",), "b": ("loop", "reset"), ".": ()}
    for who, letters in table.items():
        for place, letter in enumerate(letters):
            if letter != " ":
                desk.say(who, place // 3, place % 3, *modes[letter])


TABLE = {"ann": "l.r.b..l..r.", "bob": "l...b..ll.r.", "cat": "ll..r  l.. ."}


def test_figures_are_those_of_the_table(desk: Desk) -> None:
    fill(desk, TABLE)
    found = desk.agree()
    assert (found.votes, found.units, found.runs) == (33, 12, 4)
    loop = of(found, "loop")
    assert (loop.units, loop.paired, loop.raters, loop.judgements, loop.yes) == (12, 12, 3, 33, 10)
    said = {who: [letter in "lb" for letter in letters] for who, letters in TABLE.items()}
    there = {who: [letter != " " for letter in letters] for who, letters in TABLE.items()}
    kappas, weights = [], []
    for one, two in (("ann", "bob"), ("ann", "cat"), ("bob", "cat")):
        both = [place for place in range(12) if there[one][place] and there[two][place]]
        kappas.append(cohen_kappa_score([said[one][p] for p in both], [said[two][p] for p in both]))
        weights.append(len(both))
    assert loop.cohen.value == pytest.approx(np.average(kappas, weights=weights))
    pair = next(item for item in found.pairs if (item.first, item.second) == ("ann", "bob"))
    assert pair.judgements == 36
    assert loop.alpha.low < loop.alpha.value < loop.alpha.high
    (whole,) = found.codebooks
    assert whole.judgements == 99
    assert whole.set_alpha is not None
    assert 0.3 < (whole.set_alpha.value or 0) < 0.9
    assert found.verdicts is not None
    assert found.verdicts.raw.value == 1


def test_what_is_undefined_says_why(desk: Desk) -> None:
    fill(desk, {"ann": "l.l.", "bob": "l..."})
    never = of(desk.agree(), "never")
    assert never.raw.value == never.ac1.value == 1
    assert never.alpha.value is None
    assert "nobody used it" in never.alpha.why
    assert never.prevalence.value == 0


def test_one_reviewer_only(desk: Desk) -> None:
    fill(desk, {"ann": "l.l."})
    found = desk.agree()
    loop = of(found, "loop")
    assert loop.raw == Estimate(None, why="there is one reviewer: agreement needs two")
    assert loop.prevalence.value == 0.5
    assert found.reviewers[0].agreed is None


def test_nobody_has_decided_anything(desk: Desk) -> None:
    found = desk.agree()
    assert (found.votes, found.modes, found.codebooks, found.verdicts) == (0, [], [], None)


def test_only_finished_blind_votes_of_people_count(desk: Desk) -> None:
    desk.say("ann", 0, 0, "loop")
    desk.say("bob", 0, 0, "loop", blind_votes=False)
    desk.say("cat", 0, 0, "loop", verdict=None)
    desk.say("policy:p", 0, 0, "loop", how="policy")
    desk.say("eve", 0, 0, "loop", unsure=True)
    found = desk.agree()
    assert found.left_out == {SEEN: 1, UNFINISHED: 1, POLICY: 1, UNSURE: 1}
    assert of(found, "loop").judgements == 1
    assert of(found, "reset").judgements == 2  # being unsure of one mode leaves the others judged
    assert of(desk.agree(seen=True), "loop").judgements == 2


def test_two_names_of_one_person(desk: Desk) -> None:
    fill(desk, {"ann": "l..", "Ann": "l..", "bob": "..."})
    assert any("look like one name" in text for text in desk.agree().notes)
    found = desk.agree(same={"Ann": "ann"})
    assert [item.name for item in found.reviewers] == ["ann", "bob"]
    assert found.left_out[TWICE] == 3
    assert found.votes == 6
    assert desk.agree(only=frozenset({"bob"})).votes == 3
    assert desk.agree(without=frozenset({"bob"})).votes == 6


def test_a_run_that_was_joined_with_another_is_that_one_even_where_nothing_can_be_derived(desk: Desk) -> None:
    fill(desk, {"ann": "l..", "bob": "l.."})
    desk.say("ann", 1, 0, "loop")
    desk.say("cat", 1, 0, "loop")
    with desk.store.write() as tx:
        tx.execute("INSERT INTO run_alias VALUES (?, ?)", [desk.runs[1].id, desk.runs[0].id])
        # its chunk, too, is that of the other one
        (chunk,) = tx.execute("SELECT DISTINCT chunk FROM judgement WHERE run = ? LIMIT 1", [desk.runs[1].id])[0]
        (other,) = tx.execute("SELECT chunk FROM judgement WHERE run = ? ORDER BY rowid LIMIT 1", [desk.runs[0].id])[0]
        for table in ("judgement", "label"):
            tx.execute(f"UPDATE {table} SET chunk = ? WHERE chunk = ?", [other, chunk])
    with Store(desk.store.path, read_only=True) as store:
        found = agreement(store, BOOKS, Options())
    assert (found.votes, found.units, found.runs) == (7, 3, 1)
    assert of(found, "loop").yes == 3
    assert TWICE not in found.left_out


def test_a_queue_holds_a_run_that_was_joined_with_another(desk: Desk) -> None:
    from labels import queues

    key = queues.create(desk.store, "q", desk.runs[:1], policy=POLICY_TEXT).id
    fill(desk, {"ann": "l..l", "bob": "l..."})
    assert (desk.agree(queue=key).votes, desk.agree().votes) == (6, 8)
    with desk.store.write() as tx:
        tx.execute("INSERT INTO run_alias VALUES ('gone', ?)", [desk.runs[0].id])
        tx.execute("UPDATE queue_item SET run = 'gone'")
    found = desk.agree(queue=key)
    assert (found.votes, of(found, "loop").yes) == (6, 2)


@pytest.mark.parametrize(("runs", "groups"), [(0, 0), (1, 1), (1000, 1000), (1001, 1000), (2500, 1000)])
def test_of_very_many_runs_neighbours_are_drawn_together(runs: int, groups: int) -> None:
    group, count = votes._groups(runs)
    assert count == groups
    sizes = np.bincount(group[:runs], minlength=groups)
    assert sizes.sum() == runs
    assert not runs or sizes.max() - sizes.min() <= 1
    assert list(group) == sorted(group)


@quick(8)
@given(st.lists(st.lists(st.sampled_from("l. "), min_size=6, max_size=6), min_size=2, max_size=4))
def test_many_ways_to_vote_are_counted_like_few(tmp_path_factory: Any, table: list[list[str]]) -> None:
    with Store.open(tmp_path_factory.mktemp("ways") / "r.db") as store:
        desk = Desk(store, store.path.parent, runs=2)
        fill(desk, {f"r{number}": "".join(letters) for number, letters in enumerate(table)})
        few = desk.agree()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(reviewers, "_MOST_WAYS", 0)
            many = desk.agree()
    assert [asdict(item) for item in few.reviewers] == [asdict(item) for item in many.reviewers]
    assert few.consensus == many.consensus


def test_a_codebook_that_changed_meanwhile(desk: Desk) -> None:
    new = book("2", loop="Now it means something else.", slugs=("loop", "reset", "fresh"))
    remember_codebook(desk.store, new)
    desk.say("ann", 0, 0, "loop", "reset")
    desk.say("bob", 0, 0, "loop", "reset", using=new)
    found = desk.agree(Codebooks((new,)))
    assert {item.mode: item.judgements for item in found.modes} == {"loop": 1, "reset": 2, "fresh": 1}
    assert found.left_out[REWORDED] == 1
    assert any("changed while it was used" in text and "fresh, loop" in text for text in found.notes)


def test_reviewers_against_the_others_and_two_ways_to_settle(desk: Desk) -> None:
    fill(desk, {"ann": "l.l.l.l.", "bob": "l.l.l.l.", "cat": "l.l.l.l.", "eve": ".l.l.l.l"})
    found = desk.agree()
    people = {item.name: item for item in found.reviewers}
    assert people["ann"].agreed == 1
    assert people["eve"].recall == 0
    assert (people["eve"].sensitivity or 1) < 0.3 < 0.7 < (people["ann"].sensitivity or 0)
    loop = next(item for item in found.consensus if item.mode == "loop")
    assert (loop.units, loop.majority, loop.dawid_skene, loop.differ, loop.ties) == (8, 4, 4, 0, 0)


def test_decisions_of_an_older_program_count_after_they_are_derived(desk: Desk) -> None:
    fill(desk, TABLE)
    before = desk.agree()
    with desk.store.write() as tx:
        tx.execute("DELETE FROM judgement")
        tx.execute("UPDATE label SET first_index = -1, last_index = -1")
    after = desk.agree()
    assert after.votes == before.votes
    assert after.modes == before.modes
    assert after.steps == before.steps
    rebuild(desk.store)
    assert desk.agree().modes == before.modes


# -- steps ----------------------------------------------------------------------------------------------------------


def test_steps_of_a_mode_and_the_decisive_step(desk: Desk) -> None:
    desk.say("ann", 0, None, ("loop", 1), root=True)
    desk.say("bob", 0, None, ("loop", 3), root=True)
    desk.say("ann", 1, None, ("loop", 2))
    desk.say("bob", 1, None, ("loop", 2), ("reset", 4))
    found = desk.agree()
    (loop,) = found.steps
    assert (loop.pairs, loop.exact, loop.within[1], loop.within[2]) == (2, 1, 1, 2)
    assert loop.iou == pytest.approx(0.5)
    (both,) = found.decisive
    assert (both.pairs, both.exact, both.within[2], both.agents, both.agent) == (2, 1, 2, 2, 2)
    assert found.decisive_counted["ann: marked as root cause"] == 1
    assert found.decisive_counted["ann: first label of the run"] == 1


@pytest.mark.parametrize(
    ("one", "two"),
    [("WebSurfer", "Websurfer"), ("Orchestrator (-> WebSurfer)", "Orchestrator"), ("Web Surfer", "websurfer"),
     ("(thought)", "thought")],
)  # fmt: skip
def test_agents_are_known_however_they_are_spelled(one: str, two: str) -> None:
    assert plain_agent(one) == plain_agent(two)


@pytest.mark.real_data
def test_two_corpora_that_labelled_the_same_runs(tmp_path: Path, real_data: Path) -> None:
    with Store.open(tmp_path / "r.db") as store:
        from labels.codebook import load_all

        import_labels(store, [real_data / "whowhen", real_data / "agentrx"], load_all())
        found = agreement(store, load_all())
        (both,) = found.decisive
        assert both.name == "outside:agentrx and outside:who-and-when"
        assert (both.pairs, both.exact, both.within[2], both.within[5], both.agent) == (8, 3, 3, 3, 6)


# -- oneself, and suggestions ---------------------------------------------------------------------------------------


def test_a_second_reading_measures_and_changes_nothing(desk: Desk) -> None:
    from labels import queues

    queues.create(desk.store, "q", desk.runs, policy=POLICY_TEXT, repeat_share=0.5)
    desk.say("ann", 0, 0, "loop")
    desk.say("ann", 0, 1)
    desk.say("ann", 0, 0, "reset", repeat=1, verdict="stop")
    desk.say("ann", 0, 1, repeat=1)
    found = desk.agree()
    assert (of(found, "loop").yes, of(found, "reset").yes) == (1, 0)
    (again,) = found.repeats
    assert (again.chunks, again.verdicts, again.verdicts_same, again.modes, again.modes_same) == (2, 2, 1, 6, 4)
    assert again.table == (4, 1, 1, 0)
    assert found.votes == 2


def test_anchoring(desk: Desk) -> None:
    info = desk.runs[0]
    step = StepRef(id=catalog.step_id(desk.store, info.no, 0) or "", index=0)
    quote = Evidence(step=step, part=0, start=0, end=3, quote="run")
    item = Suggestion(
        mode="loop", codebook=BOOK.ref, first=step, last=step, evidence=(quote,), score=1, detector="d", version="1"
    )
    suggestions.save(desk.store, info, [item])
    shown = (Shown(id=item.id, detector="d", version="1"),)
    desk.say("ann", 0, 0)  # blind: nothing there
    desk.say("ann", 0, 0, "loop", blind_suggestions=False, shown=shown)  # and then it is
    desk.say("bob", 0, 0, "loop", blind_suggestions=False, shown=shown)  # seen from the start
    moved = {entry.reviewer: entry for entry in desk.agree().anchoring}
    assert (moved["ann"].blind, moved["ann"].before, moved["ann"].after, moved["ann"].shift) == (1, 0, 1, 1.0)
    assert (moved["bob"].shown, moved["bob"].labelled, moved["bob"].blind) == (1, 1, 0)
    assert moved["bob"].pull is None
    assert desk.agree(blind=True).left_out["decisions made when suggestions could be seen"] == 1


def test_figures_do_not_depend_on_the_order_of_merges(tmp_path: Path) -> None:
    from labels.merging import merge

    for name, table in (("a", {"ann": "l.r.b..l..r."}), ("b", {"bob": "l...b..ll.r."}), ("c", {"Ann": "ll..r..l...."})):
        (tmp_path / name).mkdir()
        with Store.open(tmp_path / f"{name}.db") as store:
            fill(Desk(store, tmp_path / name), table)
    found = []
    for order in ("abc", "cba", "bca"):
        with Store.open(tmp_path / f"{order}.db") as store:
            for name in order:
                merge(store, tmp_path / f"{name}.db")
            options = Options(same={"Ann": "ann"})
            found.append([agreement(store, BOOKS), agreement(store, BOOKS, options)])
    for one, two in zip(found[0], found[1], strict=True):
        assert (one.modes, one.codebooks, one.reviewers, one.steps) == (
            two.modes,
            two.codebooks,
            two.reviewers,
            two.steps,
        )
    assert found[0][1].modes == found[2][1].modes

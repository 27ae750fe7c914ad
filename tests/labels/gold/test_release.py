"""Releases: what is in them, that they come out the same everywhere, and that they are whole or not there."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from gold_desk import LOOP, MAST, NONE, SKIP, Desk, texts

from labels.gold.hiding import Review
from labels.gold.hits import hits, write
from labels.gold.people import People
from labels.gold.piece import Options
from labels.gold.reading import Release
from labels.gold.release import Made, release
from labels.gold.rule import Rule
from labels.gold.splits import Splits
from labels.gold.verify import verify
from labels.model import Evidence, Label, SetAnswer, SetLabel, Shown
from labels.suggestions import Suggestion, save
from sessions import catalog, readers
from sessions.catalog import RunInfo
from sessions.errors import UsageError, UserError
from sessions.run import Part, Step

KEY = "AKIA" + "Q7ZT2M4X9P3LW8RD"
MAIL = "jo.doe@example.org"


def make(desk: Desk, name: str = "rel", review: Review | None = None, **options: Any) -> Made:
    return release(desk.store, desk.folder / name, Options("demo", **options), review or Review())


def rows(made: Made, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (made.path / name).read_text().splitlines()]


def contents(path: Path) -> dict[str, bytes]:
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()}


# -- what is in it ------------------------------------------------------------------------------------------------


def test_it_holds_every_vote_and_what_is_settled(three: Desk):
    made = make(three)
    assert made.content["counts"]["votes"] == len(rows(made, "votes.jsonl")) == 11
    gold = rows(made, "gold.jsonl")
    assert sum(row["labels"][LOOP] is True for row in gold) == 1
    assert sum(row["labels"][SKIP] is None for row in gold) == 1
    found = verify(made.path)
    assert (found.wrong, found.runs) == ([], 2)
    assert found.quotes == 6


def test_labels_carry_how_they_came_about(desk: Desk):
    run = desk.run()
    step = desk.ref(run, 3)
    quote = Evidence(step=step, part=0, start=0, end=3, quote="run")
    suggestion = Suggestion(
        mode=LOOP, codebook=MAST.ref, first=step, last=step, evidence=(quote,), score=0.7, detector="repetition",
        version="3", rationale="twice",
    )  # fmt: skip
    save(desk.store, run, [suggestion])
    made_of_it = desk.label(run, LOOP, 3, suggestion=suggestion.id, note="yes")
    shown = (Shown(id=suggestion.id, detector="repetition", version="3"),)
    answer = SetAnswer(suggestion=suggestion.id, answer="accept", label=made_of_it.label.id, seconds=2.0)
    desk.say("ann", run, 2, made_of_it, answer, shown=shown, blind_suggestions=False, tool="review-tui decide")
    made = make(desk)
    (label,) = rows(made, "labels.jsonl")
    seen = {"suggestion": suggestion.id, "detector": "repetition", "version": "3", "mode": LOOP, "score": 0.7}
    assert label["suggestion"] == seen
    assert label["suggestions_shown"] == [seen]
    assert label["action"] == "accept"
    assert (label["blind_suggestions"], label["blind_votes"], label["seconds"]) == (False, True, 12.5)
    assert label["codebook"] == {"id": "mast", "version": MAST.version, "sha256": MAST.hash}
    assert label["evidence"][0]["quote"] == "run"
    event = desk.store.query("SELECT origin, seq, prev, hash, at FROM event")[0]
    assert label["event_id"] == f"{event[0]}:{event[1]}"
    assert (label["previous_event_hash"], label["event_hash"], label["at"]) == event[2:]
    assert label["tool"] == "review-tui decide"
    (row,) = rows(made, "suggestions.jsonl")
    assert (row["rationale"], row["score"]) == ("twice", 0.7)
    assert "probability" not in row
    assert made.content["event_log"] == [{"origin": event[0], "events": 1, "head": event[3]}]


def test_a_label_that_was_changed_names_the_event_that_made_it_so(desk: Desk):
    run = desk.run()
    desk.say("ann", run, 2, desk.label(run, LOOP, 3, note="first"))
    desk.say("ann", run, 2, desk.label(run, LOOP, 3, note="second"))
    desk.say("ann", run, 2)
    (label,) = rows(make(desk), "labels.jsonl")
    assert label["note"] == "second"
    assert label["event_id"].endswith(":2")


def test_names_are_pseudonyms_unless_asked_for(three: Desk):
    made = make(three)
    everything = b"".join(contents(made.path).values())
    assert b'"ann"' not in everything
    assert len({row["annotator"] for row in rows(made, "votes.jsonl")}) == 3
    named = make(three, "named", people=People(named=True))
    assert {row["annotator"] for row in rows(named, "votes.jsonl")} == {"ann", "bob", "cat"}
    salted = make(three, "salted", people=People("other"))
    assert {r["annotator"] for r in rows(made, "votes.jsonl")}.isdisjoint(
        r["annotator"] for r in rows(salted, "votes.jsonl")
    )


def test_the_runs_are_read_back_by_the_reader_with_their_gold(three: Desk):
    made = make(three)
    runs, problems = readers.collect(readers.read(made.path / "runs.jsonl"))
    assert problems == []
    gold = rows(made, "gold.jsonl")
    for run in runs:
        assert run.header.reference is not None
        told = run.header.reference["gold"]
        assert told["units"] == [row for row in gold if row["run_id"] == run.header.facts["run_id"]]
        assert told["runs"]["mast"][LOOP] in (0, 1)


def test_nothing_of_this_machine_is_in_it(three: Desk):
    made = make(three)
    everything = b"".join(contents(made.path).values())
    assert str(three.folder).encode() not in everything
    for (run,) in three.store.query("SELECT id FROM run"):
        assert run.encode() not in everything
    assert os.uname().nodename.encode() not in everything or len(os.uname().nodename) < 4


# -- the same everywhere --------------------------------------------------------------------------------------------


def test_again_it_is_the_same(three: Desk):
    first, second = make(three), make(three, "again")
    assert contents(first.path) == contents(second.path)


# -- splits ---------------------------------------------------------------------------------------------------------


def with_task(desk: Desk, number: int, task: str) -> RunInfo:
    path = desk.folder / f"chat{number}.json"
    messages = [{"role": "user", "content": task}, {"role": "assistant", "content": f"attempt {number}"}]
    path.write_text(json.dumps({"messages": messages}))
    from sessions.ingest import import_file

    (imported,) = import_file(desk.store, path).runs
    run = catalog.run_by_id(desk.store, imported.run)
    assert run is not None
    return run


def test_a_task_is_in_one_split(desk: Desk):
    for number in range(60):
        desk.say("ann", with_task(desk, number, f"Do   thing {number // 3}."), 1, NONE)
    made = make(desk)
    splits: dict[str, set[str]] = {}
    for run in Release(made.path).runs():
        splits.setdefault(run.header.task or "", set()).add(run.split)
    assert len(splits) == 20
    assert all(len(found) == 1 for found in splits.values())
    assert len(set.union(*splits.values())) > 1
    sizes = made.content["split"]["sizes"]
    assert sum(size["runs"] for size in sizes.values()) == 60
    assert sum(size["tasks"] for size in sizes.values()) == 20


@pytest.mark.parametrize(
    "given", ["train", "train=x", "train=-1", "a b=1", "train=1,train=2", "train=0", "t=inf", "ü=1"]
)
def test_splits_that_are_none(given: str):
    with pytest.raises(UsageError):
        Splits.parse("s", [given])


def test_shares_of_splits_are_kept():
    splits = Splits.parse("s", ["train=3", "test=1"])
    drawn = [splits.of(f"task {number}") for number in range(2000)]
    assert 0.7 < drawn.count("train") / 2000 < 0.8
    assert Splits.from_json(splits.as_json()) == splits


# -- redaction ------------------------------------------------------------------------------------------------------


def secretive(desk: Desk) -> RunInfo:
    """A run with a key in step 2, an address in step 3, the key again in a call in step 4, a short password in 5."""
    call = {"name": "shell", "arguments": {"command": f"deploy --key {KEY}"}}
    steps: list[Step | str] = [
        *texts(7, 1),
        f"The key is {KEY}, keep it.",
        f"Write to {MAIL} now.",
        Step("agent", "agent", [Part("tool_call", f"deploy --key {KEY}", **call), Part("tool_result", f"used {KEY}")]),
        Step("agent", "agent", [Part("tool_call", "hunter2", name="login", arguments={"password": "hunter2"})]),
        "Nothing here.",
    ]
    run = desk.run(7, steps)
    end = Label(
        id="whole", mode=LOOP, codebook=MAST.ref, first=desk.ref(run, 2), last=desk.ref(run, 2),
        evidence=(
            Evidence(step=desk.ref(run, 2), part=0, start=11, end=21, quote=KEY[:10]),
            Evidence(step=desk.ref(run, 2), part=0, start=33, end=40, quote="keep it"),
        ),
        note=f"mailed {MAIL}",
    )  # fmt: skip
    desk.say("ann", run, 1, SetLabel(label=end))
    desk.say("bob", run, 1, NONE)
    desk.say("cat", run, 1, desk.label(run, LOOP, 2, id="c"))
    return run


def test_hits_that_nobody_looked_at_stop_it(desk: Desk):
    secretive(desk)
    with pytest.raises(UserError, match="nobody has looked at them"):
        make(desk)
    assert not (desk.folder / "rel").exists()
    assert [path.name for path in desk.folder.iterdir() if "partial" in path.name] == []


def test_what_is_hidden_is_nowhere_and_places_still_fit(desk: Desk):
    run = secretive(desk)
    made = make(desk, review=Review(accept=True))
    everything = b"".join(contents(made.path).values()).decode()
    for secret in (KEY, MAIL, "hunter2"):
        assert secret not in everything
    assert "[SECRET:aws-key:1]" in everything
    assert "mailed [PERSONAL:email:1]" in everything
    # ids are hashes of content: the old ones would let anybody try out what fits
    assert run.content_id not in everything
    for row in catalog.index_rows(desk.store, run.no):
        assert (row.id in everything) == ((row.index == 5 and False) or row.id in everything)
    hidden = [row.id for row in catalog.index_rows(desk.store, run.no) if row.index in (1, 2, 3, 4)]
    assert not any(step in everything for step in hidden)
    quotes = sorted(item["quote"] for label in rows(made, "labels.jsonl") for item in label["evidence"])
    assert quotes == ["The", "[SECRET:aws-key:1]", "keep it"]
    assert verify(made.path).wrong == []
    assert made.content["redaction"]["runs"] == 1
    assert made.content["redaction"]["hidden"]["email"] >= 2


def test_a_list_says_what_is_hidden_and_what_stays(desk: Desk):
    secretive(desk)
    found = hits(desk.store, Review())
    assert {(item.kind, item.value) for item in found} >= {("aws-key", KEY), ("email", MAIL)}
    path = desk.folder / "hits.jsonl"
    write(path, found)
    assert path.stat().st_mode & 0o777 == 0o600
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines[1:]:
        line["decision"] = "keep" if line["kind"] == "email" else "hide"
    path.write_text("\n".join(map(json.dumps, lines)))
    with pytest.raises(UserError, match="1 different"):
        make(desk, review=Review.read(path))
    lines[0]["decision"] = "hide"
    path.write_text("\n".join(map(json.dumps, lines)))
    made = make(desk, review=Review.read(path))
    everything = b"".join(contents(made.path).values()).decode()
    assert MAIL in everything
    assert KEY not in everything
    assert "hunter2" not in everything
    assert made.content["redaction"]["kept"] == {"email": next(item.places for item in found if item.kind == "email")}
    assert verify(made.path).wrong == []
    with pytest.raises(UserError, match="is there already"):
        write(path, found)


@pytest.mark.parametrize("line", ["x", "[]", '{"kind": "a"}', '{"kind": "a", "value": "b", "decision": "perhaps"}'])
def test_lists_that_are_none(tmp_path: Path, line: str):
    path = tmp_path / "list"
    path.write_text(line)
    with pytest.raises(UserError, match="line 1"):
        Review.read(path)


def test_a_run_without_hits_keeps_its_ids(three: Desk):
    made = make(three)
    ids = {row[0] for row in three.store.query("SELECT content_id FROM run")}
    assert {run.run_id for run in Release(made.path).runs()} == ids


# -- what is too little, and what it is called ----------------------------------------------------------------------


def test_nothing_to_release(desk: Desk):
    with pytest.raises(UserError, match="no vote"):
        make(desk)
    desk.say("ann", desk.run(), 1)
    with pytest.raises(UserError, match="no label is settled"):
        make(desk)
    assert not (desk.folder / "rel").exists()


def test_a_released_file_cannot_be_written_to_by_mistake(three: Desk):
    made = make(three)
    assert all(file.stat().st_mode & 0o222 == 0 for file in made.path.rglob("*") if file.is_file())


def test_one_reviewer_only(desk: Desk):
    desk.say("ann", desk.run(), 1, NONE)
    made = make(desk)
    card = (made.path / "README.md").read_text()
    assert "One person made all of it" in card
    assert "Not known" in card


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 81])
def test_names_that_are_none(three: Desk, name: str):
    with pytest.raises(UsageError):
        release(three.store, three.folder / "rel", Options(name), Review())


def test_markup_in_a_name_is_not_markup_in_the_card(three: Desk):
    made = release(three.store, three.folder / "rel", Options("<script>[x](y)"), Review())
    assert "<script>[x]" not in (made.path / "README.md").read_text()


# -- proving --------------------------------------------------------------------------------------------------------


def tampered(made: Made, name: str, change: Callable[[str], str], *, rehash: bool = True) -> list[str]:
    """What `verify` says once a file was changed; rehash: and the manifest made to fit."""
    from hashlib import sha256

    from labels.gold import manifest

    copy = made.path.parent / "tampered"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(made.path, copy)
    for file in copy.rglob("*"):
        file.chmod(0o755)
    before = (copy / name).read_text()
    after = change(before)
    assert before != after
    (copy / name).write_text(after)
    if rehash:
        content = json.loads((copy / "manifest.json").read_text())
        data = after.encode()
        content["files"][name] |= {"sha256": sha256(data).hexdigest(), "bytes": len(data)}
        content["digest"] = manifest.digest(content["files"])
        (copy / "manifest.json").write_text(manifest.dump(content))
    return verify(copy).wrong


def test_any_changed_byte_is_found(three: Desk):
    made = make(three)
    for name in contents(made.path):
        if name == "manifest.json":
            continue
        if (made.path / name).stat().st_size:
            assert any(name in text for text in tampered(made, name, lambda text: text[:-2] + " \n", rehash=False)), (
                name
            )


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("gold.jsonl", '"step-repetition":true', '"step-repetition":false', "does not follow from its votes"),
        ("votes.jsonl", '"present":["step-repetition"]', '"present":[]', "does not follow from its votes"),
        ("labels.jsonl", '"quote":"run"', '"quote":"nun"', "does not stand in step 3"),
        ("labels.jsonl", '"step_number":3', '"step_number":4', "is not step number 4"),
        ("runs.jsonl", "counts step 4", "counts step 5", "content is not what"),
        ("runs.jsonl", '"split":"test"', '"split":"train"', "task or split"),
        ("votes.jsonl", '"annotator":', '"anotator":', "has no 'annotator'"),
        ("runs.jsonl", '"step-repetition":1', '"step-repetition":0', "not that of gold.jsonl"),
    ],
)
def test_what_does_not_hold_together_is_found_whatever_its_hash(three: Desk, name: str, old: str, new: str, says: str):
    made = make(three)
    wrong = tampered(made, name, lambda text: text.replace(old, new, 1))
    assert any(says in text for text in wrong), wrong


def test_rows_left_over_and_files_besides_are_found(three: Desk):
    made = make(three)
    last = (made.path / "gold.jsonl").read_text().splitlines()[0]
    assert any("belong to no run" in text for text in tampered(made, "gold.jsonl", lambda text: text + last + "\n"))
    copy = made.path.parent / "tampered"
    (copy / "extra").write_text("")
    assert any("extra" in text for text in verify(copy).wrong)
    (copy / "votes.jsonl").unlink()
    assert any("votes.jsonl" in text for text in verify(copy).wrong)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": "x"}', "\x00"])
def test_folders_that_are_no_release(tmp_path: Path, text: str):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(UserError, match="is no release"):
        verify(tmp_path)
    with pytest.raises(UserError):
        verify(tmp_path / "nowhere")


def test_a_release_by_another_rule_proves_itself(three: Desk):
    made = make(three, rule=Rule("unanimous", 2))
    assert verify(made.path).wrong == []
    assert made.content["settling"] == {"rule": "unanimous", "min_votes": 2}

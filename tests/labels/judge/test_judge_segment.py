"""How a run is rendered: numbered, marked, whole, and with what is left out said."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

from helpers import load, put, quick
from helpers import steps as any_steps
from hypothesis import given
from hypothesis import strategies as st

from labels.judge.config import JudgeConfig
from labels.judge.pieces import Window, visible
from labels.judge.segment import Segmenter
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.run import Part, Step
from sessions.store import Store


def render(store: Store, run: RunInfo, **settings: object) -> tuple[Segmenter, list[Window]]:
    segmenter = Segmenter.prepare(store, run, JudgeConfig(**{"part_chars": 0, **settings}))
    return segmenter, list(segmenter.windows())


def marks(segmenter: Segmenter, window: Window) -> list[str]:
    """Our own lines of a window, without the mark."""
    start = f"[{segmenter.mark} "
    return [line[len(start) : -1] for line in window.text.split("\n") if line.startswith(start)]


def test_steps_and_parts_are_marked(store: Store, tmp_path: Path) -> None:
    run = put(
        store,
        tmp_path / "r.jsonl",
        [
            Step("ann", "user", [Part("text", "do it")]),
            Step(
                "sre\nbot",
                "agent",
                [
                    Part("reasoning", "hm"),
                    Part("tool_call", "ls", name="shell", call_id="1"),
                    Part("tool_call", "pwd", name="shell", call_id="2"),
                    Part("tool_result", "no", call_id="2", is_error=True),
                ],
                depth=1,
                branch="b1",
            ),
            Step("env", "environment", [Part("tool_result", "late", name="shell", call_id="1")]),
            Step("x", "agent", []),
        ],
    )
    segmenter, (window,) = render(store, run)
    assert marks(segmenter, window) == [
        "the whole run, 4 steps",
        "step 1 of 4, actor ann, role user",
        "text",
        "step 2 of 4, actor sre bot, role agent, sub-agent level 1, on a branch that the run gave up",
        "reasoning",
        "call 1 of shell",
        "call 2 of shell",
        "result of call 2, an error",
        "step 3 of 4, actor env, role environment",
        "result of shell",
        "step 4 of 4, actor x, role agent",
        "nothing",
        "end of this part",
    ]
    assert window.last
    assert list(window.ids) == [0, 1, 2, 3]


def with_task(store: Store, path: Path, task: str, steps: list[str]) -> RunInfo:
    path.write_text("\n".join([json.dumps({"run": {"task": task}}), *map(json.dumps, steps)]))
    (imported,) = load(store, path)
    run = catalog.run_by_id(store, imported.run)
    assert run
    return run


def test_the_task_is_told_in_every_window_that_does_not_show_it(store: Store, tmp_path: Path) -> None:
    steps = ["Mend the shop.", *[f"step {number} " + "word " * 400 for number in range(6)]]
    run = with_task(store, tmp_path / "r.jsonl", "Mend the shop.", steps)
    segmenter, windows = render(store, run, window_tokens=1200, overlap=0.0)
    assert len(windows) > 2
    told = ["task that the system was given" in marks(segmenter, window) for window in windows]
    assert told == [False] + [True] * (len(windows) - 1)
    assert all(window.text.count("Mend the shop.") == 1 for window in windows)


def test_a_task_that_is_too_long_says_what_is_missing(store: Store, tmp_path: Path) -> None:
    run = with_task(store, tmp_path / "r.jsonl", "a" * 10_000, ["go"])
    segmenter, (window,) = render(store, run)
    assert "2,000 characters of the task are left out here" in marks(segmenter, window)
    assert segmenter.omitted.task == 2000


def test_windows_say_what_they_do_not_show_and_overlap_by_whole_steps(store: Store, tmp_path: Path) -> None:
    run = put(store, tmp_path / "r.jsonl", [f"step {number}: " + "word " * 100 for number in range(1, 13)])
    segmenter, windows = render(store, run, window_tokens=1000, overlap=0.3)
    first, second, final = windows[0], windows[1], windows[-1]
    assert marks(segmenter, first)[0].endswith("to 12; the run goes on after it")
    assert "not shown here: steps 1 to " in marks(segmenter, second)[0]
    assert marks(segmenter, final)[0].endswith("; the run ends here")
    assert [window.last for window in windows] == [False] * (len(windows) - 1) + [True]
    for before, after in pairwise(windows):
        shared = sorted(set(before.ids) & set(after.ids))
        assert shared == [max(before.ids)]
        lines = [line for line in marks(segmenter, after) if line.endswith("shown in the part before too")]
        assert lines == [f"step {shared[0] + 1} of 12, actor agent, role agent, shown in the part before too"]
        assert max(before.ids) < max(after.ids)


def test_the_middle_of_a_long_part_is_left_out_and_that_is_said(store: Store, tmp_path: Path) -> None:
    text = "".join(f"line {number}\n" for number in range(5000))
    run = put(store, tmp_path / "r.jsonl", ["short", text])
    segmenter, (window,) = render(store, run, part_chars=1000)
    missing = len(text) - 1000
    assert f"{missing:,} characters are left out here" in marks(segmenter, window)
    assert (segmenter.omitted.parts, segmenter.omitted.chars) == (1, missing)
    passages = window.passages[1]
    assert [len(passage.text) for passage in passages] == [600, 400]
    assert passages[0].text == text[:600]
    assert passages[1].text == text[-400:]


def test_a_step_larger_than_a_window_goes_on_in_the_next(store: Store, tmp_path: Path) -> None:
    text = "".join(f"line {number} of a very long step\n" for number in range(2000))
    run = put(store, tmp_path / "r.jsonl", ["before", text, "after"])
    segmenter, windows = render(store, run, window_tokens=2000)
    seen = [passage for window in windows for passage in window.passages.get(1, [])]
    whole: dict[int, str] = {passage.at: passage.text for passage in seen}
    assert "".join(whole[at] for at in sorted(whole)) == text
    assert all(window.tokens <= 2200 for window in windows)
    assert any("step 2 of 3, actor agent, role agent, continued" in line for line in marks(segmenter, windows[2]))
    assert "text, piece 1 of" in " ".join(marks(segmenter, windows[0]) + marks(segmenter, windows[1]))


def test_records_that_no_reader_knows_are_not_sent(store: Store, tmp_path: Path) -> None:
    run = put(store, tmp_path / "r.jsonl", [Step("a", "agent", [Part("raw", '{"reward": 1}', name="score")])])
    segmenter, (window,) = render(store, run)
    assert "reward" not in window.text
    assert "a record of the source that no reader knows, 13 characters, is left out here" in marks(segmenter, window)
    assert segmenter.omitted.records == 1


def test_a_cut_never_goes_through_a_placeholder(store: Store, tmp_path: Path) -> None:
    mail = " ann@example.org" * 400
    run = put(store, tmp_path / "r.jsonl", [mail])
    for size in range(200, 240):
        _, windows = render(store, run, part_chars=size)
        for passage in windows[0].passages[0]:
            assert passage.text.count("[PERSONAL:email:1]") * len(" [PERSONAL:email:1]") >= len(passage.text) - 1
            assert re.sub(r"\[PERSONAL:email:1\]", "", passage.text).strip() == ""


def test_a_mark_occurs_nowhere_in_the_run(store: Store, tmp_path: Path) -> None:
    seeds = [sha256(b"judge mark x" + bytes([number])).hexdigest()[:6] for number in range(16)]
    for known in (0, 3, 16):
        run = put(store, tmp_path / f"{known}.jsonl", [f"I guess {mark}" for mark in seeds[:known]] or ["nothing"])
        named = replace(run, content_id="x")
        mark = Segmenter.prepare(store, named, JudgeConfig()).mark
        assert mark == (seeds[known] if known < 16 else sha256(b"judge mark x").hexdigest()[:32])
        assert Segmenter.prepare(store, named, JudgeConfig()).mark == mark


def test_what_nobody_sees_becomes_visible_and_nothing_moves() -> None:
    text = "a\x1b[8m\u202eb\u200b\U000e0041\r\n\tc\ud800\ufe0f\ufe01é"
    shown = visible(text)
    assert shown == "a\u241b[8m\u25ccb\u25cc\u25cc \n\tc\u25cc\ufe0f\u25ccé"
    assert len(shown) == len(text)


WORDS = st.sampled_from(["word", "ann@a.org", "password=hunter22", "\n", "é", "日本", "\u202e", "[", "step 1 of 2"])


@quick(40)
@given(st.lists(any_steps(text=st.lists(WORDS, max_size=30).map(" ".join)), min_size=1, max_size=12), st.integers(0, 5))
def test_nothing_is_lost_between_windows(tmp_path_factory, made: list[Step], tenths: int) -> None:
    with Store.open(tmp_path_factory.mktemp("w") / "r.db") as store:
        run = put(store, tmp_path_factory.mktemp("w") / "r.jsonl", made)
        segmenter, windows = render(store, run, window_tokens=1000, overlap=tenths / 10)
        sent: dict[tuple[int, int], dict[int, str]] = {}
        for window in windows:
            for index, passages in window.passages.items():
                for passage in passages:
                    sent.setdefault((index, passage.part), {})[passage.at] = passage.text
                    start, end = passage.original(0, len(passage.text))
                    original = passage.stored.step.parts[passage.part].text[start:end]
                    assert len(passage.redacted.cuts) > 0 or visible(original) == passage.text
        for stored in catalog.steps(store, run.no):
            for place, part in enumerate(stored.step.parts):
                pieces = sent.get((stored.index, place), {})
                joined = "".join(pieces[at] for at in sorted(pieces))
                if part.kind == "raw":
                    assert not joined
                else:
                    assert joined == visible(segmenter.redactor.redact(part.text).text)
        assert {index for window in windows for index in window.ids} == set(range(run.steps))

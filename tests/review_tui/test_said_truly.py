"""Small things that are said of gates, votes and counts: true, and worded for people."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from station import SMALL, station
from textual.widgets import Input
from voters import Voters

from labels.gold.said import said_of
from labels.model import Shown
from review_tui import gates
from review_tui.screens.inbox_rows import gate_pieces
from review_tui.widgets.votes import vote_facts
from review_tui.words import counted
from sessions.gate import Gate
from sessions.store import Store


def test_one_is_not_many():
    assert [counted(number, "run") for number in (0, 1, 1_200)] == ["0 runs", "1 run", "1,200 runs"]
    assert counted(2, "process", "processes") == "2 processes"


def test_a_gate_s_row_keeps_its_name_and_its_reason_apart(db: Path):
    with Gate(agent="helper", task="Tidy up.", run="nightly-1", db=db) as gate:
        gate.add("helper", text="I look around.")
        gate.open("g2", wait=False, proposed=[{"name": "bash", "arguments": {"command": "git push --force"}}])
    with Store.open(db) as store:
        (view,) = gates.waiting(store)
    for width in (60, 80, 120):
        text = "".join(piece[0] for piece in gate_pieces(view, width) if piece)
        assert "nightly-1 / g2  proposed:" in text


async def test_a_single_step_is_one_step_and_a_single_run_one_run(db: Path):
    with Gate(agent="helper", task="Tidy up.", run="tidy", db=db) as gate:
        gate.add("helper", text="I look around.")
        gate.open(wait=False)
    async with station(db, size=SMALL) as here:
        assert "1 run," in here.head
        await here.press("w")
        await here.until(lambda: here.reviewing, "the run")
        assert "1/1  step 1" in here.head
        assert "steps 1" not in here.head


async def test_control_c_closes_a_prompt_and_not_the_station(samples_db: Path):
    async with station(samples_db) as here:
        await here.press("enter")
        await here.until(lambda: here.reviewing, "the run")
        await here.press("t")
        assert here.screen == "Prompt"
        here.app.screen.query_one(Input).value = "words"
        await here.press("ctrl+c")
        assert here.screen == "ReviewScreen"
        assert here.app.is_running
        assert here.app._exit is False
        await here.press("question_mark", "ctrl+c")
        await here.until(lambda: here.app._exit, "the end")


def test_that_detectors_found_nothing_is_not_said_to_be_suggestions(db: Path):
    voters = Voters(db)
    run = voters.run()
    voters.say("ann", run, 1, blind_suggestions=False)
    voters.say("bob", run, 1)
    shown = (Shown(id="s1", detector="loops", version="1"),)
    voters.say("cyd", run, 1, blind_suggestions=False, shown=shown)
    with Store.open(db) as store:
        votes = said_of(store, run, Counter()).votes
        unasked = said_of(store, run, Counter(), with_events=False).votes[0]
    facts = {vote.reviewer: vote_facts(vote) for vote in votes}
    assert facts["ann"] == ["12 s", "detectors found nothing"]
    assert facts["bob"] == ["12 s"]
    assert facts["cyd"] == ["12 s", "suggestions seen"]
    assert vote_facts(unasked) == ["12 s", "saw what detectors found"]
    recorded = {vote.reviewer: vote.decision["blind_suggestions"] for vote in votes}
    assert recorded == {"ann": False, "bob": True, "cyd": False}


async def test_the_age_of_a_gate_is_told_every_second(db: Path):
    with Gate(agent="helper", task="Tidy up.", run="tidy", db=db) as gate:
        gate.add("helper", text="I look around.")
        gate.open(wait=False)
    async with station(db) as here:
        await here.until(lambda: "AGENTS THAT WAIT" in here.text, "the inbox")
        rows = {age(here.text)}
        await here.until(lambda: rows.add(age(here.text)) or len(rows) >= 3, "three ages in the inbox")
        await here.press("w")
        await here.until(lambda: "GATE" in here.side, "the panel")
        panel = {age(here.text)}
        await here.until(lambda: panel.add(age(here.text)) or len(panel) >= 3, "three ages in the panel")
    assert sorted(panel) == list(range(min(panel), max(panel) + 1))


def age(text: str) -> int:
    """The seconds that a gate has been waiting, as the screen has it."""
    return int(re.search(r"(\d+) s ", text)[1])

"""The inbox: what it lists, filters, sorts and opens; and how runs come in while it is open."""

import asyncio
import json

import pytest
from station import CHECKOUT, HOSTILE, LARGE, SAMPLES, SMALL, Faucet, Station, fill, ledger_of, station

from review_tui.actions import INBOX
from review_tui.screens.review import ReviewScreen
from sessions import catalog
from sessions.store import Store

TITLES = [
    "Incident 4127",
    "weekly digest",
    "test_backoff.py",
    "CSV export",
    "duplicate customers",
    '"60m"',
    "six files",
    "review feed",
]


def shown(here: Station) -> list[str]:
    """Titles of the rows, top to bottom."""
    source = here.inbox.runs.source
    return [entry.run.title for entry in getattr(source, "entries", [])]


async def test_a_folder_opens_the_inbox_with_all_its_runs(db):
    async with station(db, SAMPLES) as here:
        assert here.screen == "InboxScreen"
        await here.until(lambda: len(shown(here)) == 8, "all runs")
        for title in TITLES:
            assert title in here.text
        assert "8 runs, 0 done" in here.text
        assert "reviewer ann" in here.text


async def test_an_empty_database_says_what_to_do(db):
    async with station(db) as here:
        assert "The inbox is empty" in here.text
        await here.press("enter", "n", "I", "f", "s", "S")
        assert here.screen == "InboxScreen"


async def test_opening_a_run_and_coming_back(samples_db):
    async with station(samples_db) as here:
        await here.press("down", "enter")
        await here.until(lambda: here.reviewing)
        title = here.run.title
        await here.press("a", "q")
        await here.until(lambda: here.screen == "InboxScreen")
        await here.until(lambda: "1/" in here.text, "the progress")
        assert here.inbox.runs.selected == next(
            entry.run.id for entry in here.inbox.entries if entry.run.title == title
        )


@pytest.mark.parametrize("key", ["a", "l", "slash", "W", "J", "G", "q", "z", "i", "p", "tab"])
async def test_a_key_that_comes_while_a_run_opens(samples_db, key):
    """It may be lost, but the program must not end."""
    import asyncio

    from textual import events

    async with station(samples_db) as here:
        here.app._driver.send_message(events.Key("enter", "\r"))
        while not isinstance(here.app.screen, ReviewScreen):
            await asyncio.sleep(0)
        here.app._driver.send_message(events.Key(key, key if len(key) == 1 else None))
        await here.pilot.pause()
        await here.until(lambda: here.app.screen.is_mounted)
        assert here.app._exception is None


async def test_opening_by_click(samples_db):
    async with station(samples_db) as here:
        wanted = shown(here)[2]
        await here.pilot.click("#runs", offset=(20, 2))
        await here.pilot.click("#runs", offset=(20, 2))
        await here.until(lambda: here.reviewing)
        assert here.run.title == wanted


async def test_filtering(samples_db):
    async with station(samples_db) as here:
        await here.press("slash")
        await here.type("CLAUDE digest")
        assert len(shown(here)) == 1
        assert "weekly digest" in shown(here)[0]
        assert "1 shown" in here.head
        await here.press("slash")
        assert here.app.screen.value == "CLAUDE digest"
        await here.press("escape")
        assert len(shown(here)) == 1
        await here.press("slash")
        await here.type("no such run [x]")
        assert "No run fits the filter" in here.text
        await here.press("enter", "n")
        assert here.screen == "InboxScreen"
        await here.press("slash")
        await here.type("")
        assert len(shown(here)) == 8


async def test_states(samples_db):
    with Store.open(samples_db) as store:
        run = next(run for run in catalog.runs(store) if "six files" in run.title)
        other = next(run for run in catalog.runs(store) if "digest" in run.title)
    from review_tui.desk import Desk

    with Store.open(samples_db) as store:
        for chunk in range(2):
            desk = Desk(store, run, "ann", "every:5")
            desk.enter(chunk)
            desk.verdict("approve")
        desk = Desk(store, other, "ann", "every:5")
        desk.verdict("approve")
    async with station(samples_db) as here:
        counts = []
        for _ in range(4):
            counts.append((here.inbox.wanted_state, len(shown(here))))
            await here.press("f")
        assert counts == [(0, 8), (1, 6), (2, 1), (3, 1)]
        assert "8 runs, 1 done" in here.text
    async with station(samples_db, reviewer="bob") as here:
        assert "8 runs, 0 done" in here.text


async def test_sorting(samples_db):
    async with station(samples_db) as here:
        seen = {}
        for name in ("added", "title", "progress", "steps", "errors", "labels", "suggestions"):
            assert f"by {name}" in here.head
            seen[name] = [entry.run for entry in here.inbox.runs.source.entries]
            await here.press("s")
        assert "by added" in here.head
        assert [run.no for run in seen["added"]] == sorted(run.no for run in seen["added"])
        assert [run.title.lower() for run in seen["title"]] == sorted(run.title.lower() for run in seen["title"])
        assert [run.steps for run in seen["steps"]] == sorted((run.steps for run in seen["steps"]), reverse=True)
        assert [run.errors for run in seen["errors"]] == sorted((run.errors for run in seen["errors"]), reverse=True)
        before = shown(here)
        await here.press("S")
        assert shown(here) == before[::-1]


async def test_the_cursor_stays_on_its_run_when_the_order_changes(samples_db):
    async with station(samples_db) as here:
        await here.press("down", "down")
        selected = here.inbox.runs.selected
        for key in ("s", "S", "s", "s"):
            await here.press(key)
            assert here.inbox.runs.selected == selected


async def test_the_next_run_to_do_is_the_first_of_those_shown(samples_db):
    async with station(samples_db) as here:
        first = shown(here)[0]
        await here.press("n")
        await here.until(lambda: here.reviewing)
        assert here.run.title == first


async def test_the_next_run_to_do_follows_the_order_on_the_screen(samples_db):
    async with station(samples_db) as here:
        await here.press("s", "S")
        first = shown(here)[0]
        await here.press("n")
        await here.until(lambda: here.reviewing)
        assert here.run.title == first


async def test_nothing_left_to_do(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press(*"aaaaa", "q")
        await here.until(lambda: here.screen == "InboxScreen")
        await here.until(lambda: "1 done" in here.text)
        await here.press("n")
        assert "Nothing left to do here." in here.footer


async def test_about_codebook_help_and_search(samples_db):
    async with station(samples_db) as here:
        for key, screen in (
            ("I", "Reader"),
            ("question_mark", "Reader"),
            ("f1", "Reader"),
            ("B", "ModePicker"),
            ("ctrl+f", "SearchScreen"),
        ):
            await here.press(key)
            await here.until(lambda wanted=screen: here.screen == wanted, screen)
            await here.press("escape")
            await here.until(lambda: here.screen == "InboxScreen")


async def test_help_has_every_key(samples_db):
    async with station(samples_db, size=LARGE) as here:
        await here.press("question_mark")
        for action in INBOX:
            assert action.title in here.text


@pytest.mark.parametrize("key", ["q", "ctrl+q", "ctrl+c"])
async def test_quitting(samples_db, key):
    async with station(samples_db) as here:
        await here.press(key)
        assert here.app._exit


async def test_progress_of_others_is_not_shown(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("a")
    async with station(checkout_db, reviewer="bob") as here:
        assert "0/5" in here.text


async def test_what_another_program_imports_appears(checkout_db):
    async with station(checkout_db) as here:
        assert len(shown(here)) == 1
        fill(checkout_db, SAMPLES / "nightly-etl.txt")
        await here.until(lambda: len(shown(here)) == 2, "the other run")


async def test_what_another_program_decides_appears(checkout_db, checkout_run):
    async with station(checkout_db) as here:
        assert "0/5" in here.text
        with ledger_of(checkout_db) as ledger:
            from review_tui.desk import Desk

            Desk(ledger.store, checkout_run, "ann", "every:5").verdict("approve")
        await here.until(lambda: "1/5" in here.text, "the decision")


async def test_hostile_titles_are_shown_as_they_are(db, tmp_path):
    evil = "[bold red]x[/] \x1b]0;owned\x07\x1b[2J \x9b31m \u202egnp \u200b ignore"
    file = tmp_path / "e[red]vil.json"
    file.write_text(
        json.dumps({"messages": [{"role": "user", "content": evil}, {"role": "assistant", "content": "x"}]})
    )
    fill(db, file)
    for size in (SMALL, LARGE):
        async with station(db, size=size) as here:
            assert "[bold red]x[/]" in here.text
            for text in (here.text, here.head):
                assert not set("\x1b\x07\x9b\u202e\u200b") & set(text)
            await here.press("I")
            if size == LARGE:  # where even a long path is on one line
                assert "e[red]vil.json" in here.text
            await here.press("escape", "slash")
            await here.type("[bold")
            assert len(shown(here)) == 1


# -- reading while the screen is up -------------------------------------------------------------------------------


async def test_a_run_that_is_still_being_read(db, tmp_path):
    """Opens with its first steps, grows on the screen, and its last chunk waits until it is whole."""
    faucet = Faucet(db, tmp_path / "grows.json", 23)
    async with station(db, faucet.file, ready=False, importer=faucet) as here:
        faucet.let(7)
        await here.until(lambda: here.reviewing, "the review")
        await here.until(lambda: "word1." in here.text, "its text")
        assert "reading … 7" in here.head
        assert len(here.review.desk.chunks) == 2

        await here.press("right_square_bracket")
        for keys in (["a"], ["s"], ["A"], ["0"], ["r"], ["l"], ["t"], ["W", "a"]):
            await here.press(*keys)
            assert here.screen == "ReviewScreen", keys
            assert "still being read" in here.footer, keys
        await here.press("W")
        assert here.decisions() == []

        await here.press("left_square_bracket", "a")
        assert here.decision(1).verdict == "approve"

        faucet.let(10)
        await here.until(lambda: here.run.steps > 7, "more steps")
        assert "reading" in here.head
        await here.until(lambda: here.run.steps == 17, "17 steps")
        assert len(here.review.desk.chunks) == 4
        place = here.cursor
        await here.press("l", "2", "6")
        faucet.let(6)
        await here.until(lambda: here.run.complete, "the whole run")
        await here.until(lambda: "saved" in here.head)
        assert here.cursor == place
        assert here.decision(1).verdict == "approve"
        assert len(here.decision(2).labels) == 1
        await here.press("G", "a")
        assert here.decision(5).verdict == "approve"
        assert (here.decision(5).first, here.decision(5).last) == (20, 22)


async def test_leaving_while_a_run_is_read(db, tmp_path):
    faucet = Faucet(db, tmp_path / "grows.json", 12)
    async with station(db, faucet.file, ready=False, importer=faucet) as here:
        faucet.let(7)
        await here.until(lambda: here.reviewing, "the review")
        await here.press("a", "q")
        await here.until(lambda: here.screen == "InboxScreen")
        await here.until(lambda: "reading" in here.text)
        assert "7 …" in here.text
        faucet.let(5)
        await here.until(lambda: "12 steps" in here.text, "the whole run")
        await here.until(lambda: "reading" not in here.text, "the end")


async def test_quitting_while_a_run_is_read_keeps_what_was_decided(db, tmp_path):
    faucet = Faucet(db, tmp_path / "grows.json", 12)
    async with station(db, faucet.file, ready=False, importer=faucet) as here:
        faucet.let(7)
        await here.until(lambda: here.reviewing, "the review")
        await here.press("a")
        assert here.decision(1).verdict == "approve"
        await here.press("ctrl+q")
    faucet = Faucet(db, faucet.file, 12)
    faucet.let(12)
    await asyncio.to_thread(faucet.follow, started=lambda run: None, finished=lambda *read: None)
    async with station(db, faucet.file) as here:
        assert here.run.complete
        assert here.decision(1).verdict == "approve"
        await here.until(lambda: "1/3 decided" in here.head)


async def test_a_file_that_is_known_already_opens_at_once(checkout_db):
    async with station(checkout_db, CHECKOUT, ready=False) as here:
        assert here.screen == "ReviewScreen"


async def test_the_same_content_from_another_file_is_the_same_run(db, tmp_path):
    """While the copy is read it is a run of its own; at its end it turns out to be known, and is joined."""
    first = Faucet(db, tmp_path / "first.json", 23)
    async with station(db, first.file, ready=False, importer=first) as here:
        first.let(23)
        await here.until(lambda: here.reviewing and here.run.complete, "the whole run")
        await here.press("a")
    second = Faucet(db, tmp_path / "second.json", 23)
    async with station(db, second.file, ready=False, importer=second) as here:
        second.let(7)
        await here.until(lambda: here.reviewing)
        second.let(16)
        await here.until(lambda: not second.busy)
        await here.press("Z", "G", "g", "Z", "z", "G")
        await here.until(lambda: here.run.complete)
        await here.until(lambda: "1/5 decided" in here.head, "the decision on the other file")
        await here.press("G", "g", "j")


async def test_a_file_with_several_runs_ends_in_the_inbox(db, tmp_path):
    file = tmp_path / "many.jsonl"
    lines = [
        json.dumps({"messages": [{"role": "user", "content": f"task {n}"}, {"role": "assistant", "content": "ok"}]})
        for n in range(3)
    ]
    file.write_text("\n".join(lines) + "\n")
    async with station(db, file) as here:
        await here.until(lambda: here.screen == "InboxScreen" and len(shown(here)) == 3, "three runs")


async def test_several_files_open_the_inbox(db, tmp_path):
    async with station(db, HOSTILE, SAMPLES / "nightly-etl.txt") as here:
        await here.until(lambda: here.screen == "InboxScreen" and len(shown(here)) == 2, "two runs")

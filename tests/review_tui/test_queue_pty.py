"""A queue in a real terminal, through a station that is killed."""

from pathlib import Path

import pytest
from pty_tool import Terminal, terminal
from station import CHECKOUT, SAMPLES, fill

from labels import events, queue_next, queues
from sessions.store import Store

pytestmark = pytest.mark.pty


def test_a_killed_station_goes_on_where_it_was(db: Path) -> None:
    runs = [*fill(db, CHECKOUT), *fill(db, SAMPLES / "good-run.traj.json")]
    with Store.open(db) as store:
        queue = queues.create(store, "triage", runs, order="random", seed="3", blind_share=0.0)
        items = store.query("SELECT run, first_index, last_index FROM queue_item ORDER BY place")

    def steps(place: int) -> str:
        return f"steps {items[place][1] + 1}–{items[place][2] + 1}"

    def shown(term: Terminal, *texts: str) -> bool:
        return all(text in term.text for text in texts)

    with terminal("--db", db) as term:
        term.until("QUEUES")
        term.send("Q")
        term.until("left for you")
        term.send("\r")
        term.until(lambda: shown(term, "queue triage 1 of 8", steps(0)))
        term.send("a")
        term.until(lambda: shown(term, "queue triage 2 of 8", steps(1)))
        term.send("s")
        term.until(lambda: shown(term, "queue triage 3 of 8", steps(2)))
        term.kill()
    with Store.open(db) as store:
        assert queue_next.holders(store, queue)["ann"][0] == 2
        assert len(list(events.everything(store))) == 2
        assert events.verify(store) == []
    with terminal("--db", db) as term:
        term.until("QUEUES")
        term.send("Q")
        term.until("2 of 8")
        term.send("\r")
        term.until(lambda: shown(term, "queue triage 3 of 8", steps(2)))
        term.send("q")
        term.until("left for you")
        term.send("\x11")
        assert term.wait() == 0
        assert term.restored(), term.left_on()
        assert "Traceback" not in term.raw.decode(errors="replace")
    with Store.open(db) as store:
        assert queue_next.holders(store, queue) == {}

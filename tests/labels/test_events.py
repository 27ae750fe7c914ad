import os
from dataclasses import replace
from pathlib import Path

import pytest
from helpers import in_processes

from labels import events
from labels.events import DECIDE, GENESIS, Event, append, everything, of_runs, verify
from sessions.errors import UserError
from sessions.store import Store

COLUMNS = Event.__slots__


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "r.db"


@pytest.fixture
def store(db: Path):
    with Store.open(db) as opened:
        yield opened


def add(store: Store, text: str = "x", run: str = "r1", reviewer: str = "ann", chunk: str = "c1") -> Event:
    with store.write() as tx:
        return append(tx, kind=DECIDE, reviewer=reviewer, run=run, content_id=None, chunk=chunk, payload={"text": text})


def ten(store: Store) -> list[Event]:
    return [add(store, f"text {number}", reviewer=f"r{number}", chunk=f"c{number}") for number in range(10)]


def found_out(store: Store) -> bool:
    """Whether verify tells that something is wrong: in its list, or by refusing to read on."""
    try:
        wrong = verify(store)
    except UserError:
        return True
    assert all("\n" not in line for line in wrong)
    return bool(wrong)


def test_each_event_follows_the_one_before(store: Store) -> None:
    written = ten(store)
    assert [event.seq for event in written] == list(range(1, 11))
    assert [event.prev for event in written] == [GENESIS, *(event.hash for event in written[:-1])]
    assert list(everything(store)) == written
    assert verify(store) == []
    assert len({event.id for event in written}) == 10
    assert written[3].data == {"text": "text 3"}


def test_an_empty_log_is_in_order(store: Store) -> None:
    assert verify(store) == []


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("seq", [1, 5, 10])
@pytest.mark.parametrize("value", ["tampered", "", b"\xff\x00", 77, 1.5])
def test_any_change_of_any_column_is_found(store: Store, column: str, seq: int, value: object) -> None:
    ten(store)
    with store.write() as tx:
        tx.execute(f"UPDATE event SET {column} = ? WHERE seq = ?", [value, seq])
    assert found_out(store)


@pytest.mark.parametrize(
    "column", ["reviewer", "os_user", "at", "run", "chunk", "payload", "prev", "hash", "content_id"]
)
def test_the_smallest_change_is_found(store: Store, column: str) -> None:
    ten(store)
    with store.write() as tx:
        ((before,),) = tx.execute(f"SELECT {column} FROM event WHERE seq = 5")
        after = "" if before is None else before[:-1] + chr(ord(before[-1]) ^ 1)
        tx.execute(f"UPDATE event SET {column} = ? WHERE seq = 5", [after])
    assert found_out(store)


@pytest.mark.parametrize("seqs", [[1], [5], [10], [9, 10], [4, 5, 6], list(range(1, 11))])
def test_a_deleted_event_is_found(store: Store, seqs: list[int]) -> None:
    ten(store)
    with store.write() as tx:
        for seq in seqs:
            tx.execute("DELETE FROM event WHERE seq = ?", [seq])
    assert found_out(store)


@pytest.mark.parametrize("pair", [(1, 2), (4, 7), (9, 10)])
def test_two_events_that_changed_places_are_found(store: Store, pair: tuple[int, int]) -> None:
    ten(store)
    with store.write() as tx:
        for before, after in ((pair[0], 100), (pair[1], pair[0]), (100, pair[1])):
            tx.execute("UPDATE event SET seq = ? WHERE seq = ?", [after, before])
    assert found_out(store)


def test_two_events_that_changed_everything_but_their_numbers_are_found(store: Store) -> None:
    ten(store)
    with store.write() as tx:
        for column in COLUMNS[2:]:
            ((one,),) = tx.execute(f"SELECT {column} FROM event WHERE seq = 4")
            ((two,),) = tx.execute(f"SELECT {column} FROM event WHERE seq = 5")
            tx.execute(f"UPDATE event SET {column} = ? WHERE seq = 4", [two])
            tx.execute(f"UPDATE event SET {column} = ? WHERE seq = 5", [one])
    assert found_out(store)


def test_an_event_slipped_in_at_the_end_is_found(store: Store) -> None:
    last = ten(store)[-1]
    fields = [last.origin, 11, *(getattr(last, name) for name in COLUMNS[2:10]), last.hash]
    with store.write() as tx:
        row = [*fields, events.digest(tuple(fields))]
        tx.execute(f"INSERT INTO event VALUES ({', '.join('?' * 12)})", row)
    assert found_out(store)


@pytest.mark.parametrize("seq", [1, 5, 10])
def test_an_event_forged_with_a_hash_of_its_own_is_found(store: Store, seq: int) -> None:
    before = ten(store)[seq - 1]
    forged = replace(before, payload='{"text":"forged"}')
    forged = replace(forged, hash=events.digest(tuple(getattr(forged, name) for name in COLUMNS[:-1])))
    with store.write() as tx:
        tx.execute("UPDATE event SET payload = ?, hash = ? WHERE seq = ?", [forged.payload, forged.hash, seq])
    assert found_out(store)


def test_a_changed_or_lost_end_of_the_chain_is_found(store: Store) -> None:
    ten(store)
    with store.write() as tx:
        tx.execute("DELETE FROM chain")
    assert found_out(store)


def test_chains_of_two_origins_stand_side_by_side(store: Store) -> None:
    mine = add(store)
    with store.write() as tx:
        tx.execute("UPDATE meta SET value = 'other' WHERE name = 'origin'")
    other = [add(store, "theirs 1"), add(store, "theirs 2")]
    assert [event.seq for event in other] == [1, 2]
    assert other[0].prev == GENESIS
    assert verify(store) == []
    assert sorted(event.id for event in everything(store)) == sorted([mine.id, "other:1", "other:2"])
    with store.write() as tx:
        tx.execute("UPDATE event SET origin = ? WHERE origin = 'other' AND seq = 2", [mine.origin])
    assert found_out(store)


def test_events_are_chosen_by_run_reviewer_and_chunk(store: Store) -> None:
    one, two = add(store, run="a", reviewer="ann"), add(store, run="b", reviewer="bob")
    three = add(store, run="a", reviewer="bob", chunk="c2")
    assert of_runs(store, ["a"]) == [one, three]
    assert of_runs(store, ["a", "b"], "bob") == [two, three]
    assert of_runs(store, ["a", "b"], "bob", "c2") == [three]
    assert of_runs(store, ["unknown"]) == []
    with store.write() as tx:
        assert of_runs(tx, ["b"]) == [two]


def test_an_event_of_a_transaction_that_fails_never_was(store: Store) -> None:
    def fail() -> None:
        with store.write() as tx:
            append(tx, kind=DECIDE, reviewer="a", run="r", content_id=None, chunk="c", payload={})
            raise ZeroDivisionError

    add(store)
    with pytest.raises(ZeroDivisionError):
        fail()
    assert add(store).seq == 2
    assert verify(store) == []


def test_many_processes_keep_one_chain(db: Path) -> None:
    Store.open(db).close()

    def write() -> None:
        with Store.open(db) as store:
            for number in range(40):
                add(store, f"{os.getpid()} {number}")

    in_processes(*[write] * 6)
    with Store.open(db) as store:
        assert verify(store) == []
        written = list(everything(store))
        assert [event.seq for event in written] == list(range(1, 241))
        assert len({event.data["text"] for event in written}) == 240


def test_the_same_fields_give_the_same_hash_and_no_others_do(store: Store) -> None:
    one = ("o", 1, "decide", "ann", "u", "t", "r", None, "c", "{}", GENESIS)
    assert events.digest(one) == events.digest((*one,))
    moved = [("o", 1, "decide", "ann", "u", "t", "r", "", "c", "{}", GENESIS), ("o", 1, "decidea", "nn", *one[4:])]
    assert len({events.digest(fields) for fields in (one, *moved)}) == 3


def test_who_the_system_says_is_typing(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError

    assert events.os_user()
    monkeypatch.setattr(events.getpass, "getuser", nobody)
    assert events.os_user() == f"uid {os.getuid()}"

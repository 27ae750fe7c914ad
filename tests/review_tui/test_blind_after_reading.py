"""Who has adjudicated a chunk, or coded others' notes on it, decides there knowing what others said; on record so."""

from test_codes import note
from voters import SKIP, disputed

from labels.adjudication import Adjudicator, has_ruled
from labels.coding.coder import Coder
from labels.coding.notes import board
from labels.docket import Docket, Wish
from review_tui.desk import Desk
from sessions import catalog
from sessions.store import Store


def said(desk: Desk) -> bool:
    """Whether what the desk records last is recorded as blind to others' votes."""
    sql = "SELECT payload FROM event WHERE kind = 'decide' AND reviewer = ? ORDER BY seq DESC LIMIT 1"
    return '"blind_votes":true' in desk.store.query(sql, [desk.reviewer])[0][0].replace(" ", "")


def test_who_coded_others_notes_on_a_chunk_is_not_blind_there(checkout_db):
    for chunk in range(2):
        note(checkout_db, f"note {chunk}", chunk, who="bob")
    with Store.open(checkout_db) as store:
        first = board(store, "ann").notes[0]
        Coder(store, "ann").assign("x", [first.key])
        desk = Desk(store, catalog.runs(store)[0], "ann", "every:5")
        for chunk, blind in ((0, False), (1, True)):
            desk.enter(chunk)
            desk.verdict("approve")
            assert said(desk) is blind


def test_who_adjudicated_a_chunk_is_not_blind_there_even_if_it_is_taken_back(db):
    disputed(db)
    with Store.open(db) as store:
        docket = Docket(store, "dora")
        docket.load()
        item = docket.items[0]
        case = docket.case(item.key)
        assert case is not None
        chunk, run = case.target["id"], case.run
        assert not has_ruled(store, run, "dora", chunk)
        docket.settle(case, Wish("mast", SKIP, "absent", "error", "", "", None), blind=True, seconds=1.0)
        Adjudicator(store, "dora").undo(run)
        assert has_ruled(store, run, "dora", chunk)
        assert not has_ruled(store, run, "bob", chunk)
        assert not has_ruled(store, run, "dora", "other")
        desk = Desk(store, run, "dora", case.target["policy"])
        desk.enter(case.target["number"] - 1)
        desk.verdict("approve")
        assert not said(desk)
        desk.enter(0)
        desk.verdict("approve")
        assert said(desk)

import random
from pathlib import Path

import pytest
from helpers import TEXTS, load, put, quick, steps, write_run
from hypothesis import given
from hypothesis import strategies as st

from sessions import catalog
from sessions.archive import finish_run
from sessions.catalog import RunInfo
from sessions.ingest import Watch, import_file
from sessions.run import Part, Step
from sessions.search import Hit, context, places, search
from sessions.store import Store


@pytest.fixture
def store(tmp_path: Path):
    with Store.open(tmp_path / "r.db") as opened:
        yield opened


def found(store: Store, query: str, run: RunInfo | None = None, *, raw: bool = True) -> list[Hit]:
    """All hits. A step that is given twice is an error wherever it happens."""
    hits = [hit for batch in search(store, query, run, raw=raw) for hit in batch]
    assert len({(hit.run, hit.index) for hit in hits}) == len(hits)
    return hits


def indices(store: Store, query: str, run: RunInfo | None = None, *, raw: bool = False) -> list[int]:
    return sorted(hit.index for hit in found(store, query, run, raw=raw))


def finish(store: Store, run: RunInfo) -> RunInfo:
    finish_run(store, run, pause_s=0)
    return catalog.find_run(store, run.id)


def in_every_state(store: Store, run: RunInfo):
    """The run as imported, after the word index was built, and after the archive was."""
    yield "imported", run
    seen = iter([False, True])
    finish_run(store, run, lambda: next(seen, True), pause_s=0)
    indexed = catalog.find_run(store, run.id)
    assert (indexed.indexed, indexed.archived) == (run.steps, 0)
    yield "indexed", indexed
    archived = finish(store, run)
    assert (archived.indexed, archived.archived) == (run.steps, run.steps)
    yield "archived", archived


def spoken_names(step: Step) -> list[str]:
    names = [step.actor, step.native_id, step.model, step.branch, step.parent_call, step.at]
    for part in step.parts:
        names += [part.name, part.call_id]
    return [name for name in names if name]


AWKWARD = st.text(alphabet="ab%_\\\"'*()^-:{}[]. \n\0ÄäßσςΣİ\N{GRINNING FACE}重", max_size=12)


@quick(60)
@given(run=st.lists(steps(AWKWARD | TEXTS), min_size=1, max_size=6), seed=st.integers(0, 2**32))
def test_every_piece_of_every_text_name_and_record_is_found(tmp_path_factory, run: list[Step], seed: int) -> None:
    chance = random.Random(seed)
    folder = tmp_path_factory.mktemp("search")
    with Store.open(folder / "r.db") as store:
        info = put(store, folder / "run.jsonl", run)
        lines = [line.decode() for line in (folder / "run.jsonl").read_bytes().splitlines()]
        for state, now in in_every_state(store, info):
            for index, step in enumerate(run):
                spoken = [part.text for part in step.parts] + spoken_names(step)
                for text in [text for text in spoken if text.strip()]:
                    start = chance.randrange(len(text))
                    piece = text[start : start + chance.randint(1, len(text))]
                    if piece.strip():
                        assert index in indices(store, piece, now), (state, piece, text)
                        assert index in indices(store, piece), (state, piece, text)
                start = chance.randrange(len(lines[index]))
                piece = lines[index][start : start + chance.randint(1, 40)]
                if piece.strip():
                    assert index in indices(store, piece, now, raw=True), (state, piece)


@quick(60)
@given(run=st.lists(AWKWARD, min_size=1, max_size=5), query=AWKWARD)
def test_nothing_else_is_found(tmp_path_factory, run: list[str], query: str) -> None:
    """Ignoring case the way Python does; pieces that only differ in the length of their lower case are left out."""
    folder = tmp_path_factory.mktemp("search")
    with Store.open(folder / "r.db") as store:
        info = put(store, folder / "run.jsonl", [Step("", "agent", [Part("text", text)]) for text in run])
        wanted = query.lower().replace("ς", "σ")
        holding = [n for n, text in enumerate(run) if wanted in text.lower().replace("ς", "σ")]
        for state, now in in_every_state(store, info):
            hits = indices(store, query, now)
            if not query.strip():
                assert hits == []
            elif "İ" not in "".join(run):
                assert hits == holding, state


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("100%", [0]),
        ("%", [0, 1]),
        ("_", [2]),
        ("a_b", [2]),
        ("\\", [3]),
        ("\\n", [3]),
        ("*", [4]),
        ("NEAR", [5]),
        ("NEAR(", [5]),
        ('"quoted"', [6]),
        ('"', [6]),
        ("it's", [7]),
        ("'; DROP TABLE run; --", [8]),
        ("AND OR NOT", [9]),
        ("rm -rf", [10]),
        ("-rf", [10]),
        (".*", []),
        ("^", []),
        ("text:", []),
        ("(", [5]),
        ("{}", []),
    ],
)
def test_metacharacters_of_every_language_are_literal(store: Store, tmp_path: Path, query: str, expected: list) -> None:
    run = put(
        store,
        tmp_path / "run.jsonl",
        [
            "100% sure", "1000 %", "a_b", "back\\n slash", "2 * 2", "NEAR(a b)", 'the "quoted" one', "it's",
            "'; DROP TABLE run; --", "and or not", "rm -rf /", "aXb acb",
        ],
    )  # fmt: skip
    for state, now in in_every_state(store, run):
        assert indices(store, query, now) == expected, state


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("Kubectl GET pods", "kubectl get PODS"),
        ("Äpfel und öl", "äPFEL UND ÖL"),
        ("ΟΔΟΣΑ", "οδος"),
        ("ΟΔΟΣ", "οδος"),
        ("οδος", "ΟΔΟΣ"),
        ("Привет Мир", "пРИВЕТ мИР"),
        ("пРивет", "РИВЕ"),
        ("before\0AFTER nul", "after NUL"),
        ("before\0after", "before\0AFTER"),
        ("重启服务", "启服"),
        ("\N{GRINNING FACE}\N{GRINNING FACE}", "\N{GRINNING FACE}"),
        ("x" * 70_000, "X" * 60_000),
        ("Ä" * 3000 + "b", "ä" * 2999 + "ÄB"),
    ],
)
def test_case_is_ignored_in_every_script(store: Store, tmp_path: Path, text: str, query: str) -> None:
    run = put(store, tmp_path / "run.jsonl", ["other", text])
    for state, now in in_every_state(store, run):
        assert indices(store, query, now) == [1], state


def test_a_query_of_nothing_or_of_half_an_emoji_finds_nothing(store: Store, tmp_path: Path) -> None:
    run = put(store, tmp_path / "run.jsonl", ["a ? b", "\ufffd"])
    for query in ("", " ", "\n\t", "\ud83d", "a \udcff"):
        assert found(store, query, run) == []


def test_all_runs_or_one(store: Store, tmp_path: Path) -> None:
    one = put(store, tmp_path / "one.jsonl", ["common", "only here"])
    two = finish(store, put(store, tmp_path / "two.jsonl", ["nothing", "common"]))
    assert [(hit.run, hit.index) for hit in sorted(found(store, "common"), key=lambda hit: hit.run)] == [
        (one.no, 0),
        (two.no, 1),
    ]
    assert indices(store, "common", two) == [1]
    assert indices(store, "only here", two) == []


def test_names_are_told_from_texts(store: Store, tmp_path: Path) -> None:
    steps_ = [
        Step("planner", "agent", [Part("text", "x")]),
        Step("a", "agent", [Part("tool_call", "ls", name="planner_tool", call_id="call_42")], native_id="uuid-7"),
        Step("a", "agent", [Part("text", "the planner says")]),
    ]
    run = put(store, tmp_path / "run.jsonl", steps_)
    for _, now in in_every_state(store, run):
        assert {hit.index: hit.where for hit in found(store, "planner", now)} == {0: "name", 1: "name", 2: "text"}
        assert {hit.index: hit.where for hit in found(store, "call_42", now)} == {1: "name"}
        assert {hit.index: hit.where for hit in found(store, "UUID-7", now)} == {1: "name"}
        assert {hit.index: hit.where for hit in found(store, '"call_id"', now)} == {0: "raw", 1: "raw", 2: "raw"}
        assert found(store, '"call_id"', now, raw=False) == []


def test_the_source_is_searched_until_it_changes_and_the_archive_ever_after(store: Store, tmp_path: Path) -> None:
    run = put(store, tmp_path / "run.jsonl", [Step("a", "agent", [Part("text", "x")], at="Ünusual")])
    assert indices(store, '"AT": "\\u00dcnu', run, raw=True) == [0]
    (tmp_path / "run.jsonl").write_text("changed")
    assert indices(store, '"at":', run, raw=True) == []
    other = finish(store, put(store, tmp_path / "other.jsonl", [Step("a", "agent", [Part("text", "y")])]))
    (tmp_path / "other.jsonl").unlink()
    assert indices(store, '"at":', other, raw=True) == [0]


def test_a_run_being_imported_can_be_searched(store: Store, tmp_path: Path) -> None:
    hits: list[list[int]] = []
    write_run(tmp_path / "run.jsonl", [f"word{number}" for number in range(90)])

    def look(run_id: str) -> None:
        run = catalog.run_by_id(store, run_id)
        hits.append([hit.index for hit in found(store, "word3", run)])

    load(store, tmp_path / "run.jsonl", Watch(started=look))
    assert hits == [[3, *range(30, 40)]]


def test_nothing_is_left_of_a_run_that_was_replaced(store: Store, tmp_path: Path) -> None:
    finish(store, put(store, tmp_path / "run.jsonl", ["same", "unfin"]))
    run = put(store, tmp_path / "run.jsonl", ["same", "unfinished no more", "next"])
    for _, now in in_every_state(store, run):
        assert indices(store, "unfin", now) == [1]
        assert len(found(store, "same")) == 1
    assert len(store.query("SELECT rowid FROM words WHERE words MATCH 'same'")) == 1


@quick(100)
@given(st.lists(AWKWARD, max_size=4), AWKWARD)
def test_places_are_where_the_query_is(texts: list[str], query: str) -> None:
    hits = places(texts, query)
    for place in hits:
        piece = texts[place.part][place.start : place.end]
        assert piece.casefold() == query.casefold() or piece.lower() == query.lower() or "İ" in piece + query
    assert (query == "" and not hits) or {n for n, text in enumerate(texts) if query in text} <= {p.part for p in hits}


def test_places_are_counted_and_limited() -> None:
    assert len(places(["a" * 50, "A" * 50], "a")) == 100
    assert len(places(["a" * 50], "a", limit=7)) == 7


def test_context_is_one_line() -> None:
    text = "first\nbefore MATCH after\nlast"
    assert context(text, 13, 18) == ("before ", "MATCH", " after")


@pytest.mark.real_data
def test_every_passage_of_a_real_run(store: Store, real_data: Path) -> None:
    report = import_file(store, real_data / "atif" / "openhands_hello-world.trajectory.json", "atif")
    run = catalog.find_run(store, report.runs[0].run)
    spoken = [(one.index, part.text) for one in catalog.steps(store, run.no) for part in one.step.parts]
    assert spoken
    for _, now in in_every_state(store, run):
        for index, text in spoken:
            for start in range(0, len(text), 1000):
                if (piece := text[start : start + 37]).strip():
                    assert index in indices(store, piece, now)

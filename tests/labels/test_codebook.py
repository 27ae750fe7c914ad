"""Codebooks: loading from TOML, the hash, naming a mode, what changed, and files that mean harm."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labels import codebook as books
from labels.codebook import Codebook, Codebooks, check, diff, load, load_all
from labels.codebook_ref import CodebookRef
from sessions.errors import UsageError, UserError

DOCS = Path(__file__).resolve().parents[2] / "docs" / "codebooks.md"
HEAD = 'id = "small"\nversion = "1"\ntitle = "Small"\n'
MODE = """[[mode]]
slug = "lost-thread"
code = "A1"
name = "Lost thread"
definition = "The agent forgets what it is doing."
"""


def model(**changes: Any) -> dict[str, Any]:
    return {
        "id": "small",
        "version": "1",
        "title": "Small",
        "mode": [
            {"slug": "lost-thread", "code": "A1", "name": "Lost thread", "definition": "The agent forgets its aim."},
            {"slug": "made-up", "code": "A2", "name": "Made up", "definition": "A value comes from nowhere."},
        ],
    } | changes


def book(**changes: Any) -> Codebook:
    return Codebook.model_validate(model(**changes))


def write(folder: Path, text: str | bytes, name: str = "small.toml") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refusal(folder: Path, text: str | bytes) -> str:
    """The one line with which a file is refused."""
    path = write(folder, text)
    with pytest.raises(UserError) as caught:
        load(path)
    line = str(caught.value)
    assert "\n" not in line
    assert line.isprintable()
    assert str(path) in line
    return line


def outcome(action: Callable[[], str]) -> str:
    """What comes back, or the one line with which it is refused; anything else raises."""
    try:
        return action()
    except UserError as error:
        return str(error)


# ---- loading


def test_a_small_file_loads(tmp_path: Path) -> None:
    loaded = load(write(tmp_path, HEAD + MODE))
    assert loaded.ref == CodebookRef("small", "1", loaded.hash)
    assert loaded.by_slug["lost-thread"].label == "A1 Lost thread"
    assert loaded.modes[0].severity.level == "unclear"


def test_windows_line_ends_and_a_byte_order_mark_change_nothing(tmp_path: Path) -> None:
    plain = load(write(tmp_path, HEAD + MODE))
    windows = load(write(tmp_path, b"\xef\xbb\xbf" + (HEAD + MODE).replace("\n", "\r\n").encode()))
    assert windows.hash == plain.hash


def test_the_example_in_the_guide_loads_without_a_warning(tmp_path: Path) -> None:
    found = re.search(r"```toml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    path = write(tmp_path, found[1], "support-desk.toml")
    assert check(load(path)) == []
    loaded = load_all([path])
    assert loaded.resolve("T1@support-desk")[1].slug == "promise-not-kept"
    table = loaded.get("support-desk").crosswalk("Sheet 1")
    assert table
    entry = table.find("8 Rude")
    assert entry
    assert entry.to == ()
    assert entry.reason


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('id = "b', ["at its end", "not valid TOML"]),
        ('id = "b"\nversion 3\n', ["line 2", "not valid TOML"]),
        (HEAD, ["`mode` is missing"]),
        (HEAD + MODE.replace("[[mode]]", "[[modes]]"), ["`modes` is no field", "did you mean `mode`"]),
        (HEAD + MODE + "definiton = ''\n", ["line 9", "lost-thread", "`definiton`", "did you mean `definition`"]),
        (HEAD + MODE + "[mode.near_miss]\ntxt = 'a'\nwhy = 'b'\n", ["line 10", "near_miss.txt", "did you mean `text`"]),
        (HEAD.replace('"1"', "1") + MODE, ["line 2", "`version` must be text in quotes"]),
        (HEAD + MODE + MODE, ["line 10", "'lost-thread' is used twice"]),
        (HEAD + MODE + MODE.replace("lost-thread", "other"), ["line 11", "'A1' is used twice"]),
        (HEAD + MODE + 'category = "X"\n', ["line 9", "no category 'X'"]),
        (HEAD + MODE.replace("The agent forgets what it is doing.", "  "), ["line 8", "`definition` is empty"]),
        (HEAD + MODE.replace("lost-thread", "Lost Thread"), ["line 5", "small letters"]),
        (HEAD + MODE.replace("A1", "A 1"), ["line 6", "`code`", "without blanks"]),
        (HEAD + MODE + 'when_not = [{ text = "x", instead = "nowhere" }]\n', ["line 9", "no mode 'nowhere'"]),
        (HEAD + MODE + 'severity.class = "deadly"\n', ["line 9", "'fatal', 'recoverable' or 'unclear'"]),
        (HEAD + MODE + '[[crosswalk]]\nfrom = "o"\ntitle = "O"\nentries = [{ name = "x" }]\n', ["without a reason"]),
        (
            HEAD + MODE + '[[crosswalk]]\nfrom = "o"\ntitle = "O"\nentries = [{ name = "x", to = ["no-such"] }]\n',
            ["line 12", "'no-such', which is no mode"],
        ),
    ],
)
def test_faults_name_their_place_and_what_is_wrong(tmp_path: Path, text: str, words: list[str]) -> None:
    line = refusal(tmp_path, text)
    for word in words:
        assert word in line


def test_headers_inside_examples_do_not_mislead_the_line_number(tmp_path: Path) -> None:
    trap = '[mode.example]\ntext = """\n[[mode]]\nslug = "x"\n"""\nwhy = "w"\n'
    second = MODE.replace("lost-thread", "other").replace("A1", "A2")
    assert "line 20: mode 'other', `wen`" in refusal(tmp_path, HEAD + MODE + trap + second + "wen = []\n")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00\x01\x02\xff\xfe",
        b"\x7fELF\x02\x01\x01" + b"\x00" * 100,
        b"x = " + b"[" * 100_000,
        b"x = " + b"{a=" * 100_000,
        b".".join([b"a"] * 300_000) + b" = 1",
        b"x = {" + b".".join([b"a"] * 300_000) + b" = 1}",
        b"[" + b" . ".join([b"a"] * 300_000) + b"]",
        b"x = " + b"9" * 100_000,
        b"x = 1979-99-99",
        b"#" * (3 * 1024 * 1024),
        (HEAD + "mode = 3\n").encode(),
        (HEAD + "mode = [3]\n").encode(),
        (HEAD + "mode = []\n").encode(),
        (HEAD + '[mode]\nslug = "a"\n').encode(),
        (HEAD + MODE + "when = 'x'\n").encode(),
        (HEAD + MODE + "when = [1]\n").encode(),
        (HEAD + MODE + "severity = 1\n").encode(),
        (HEAD + MODE + "example = true\n").encode(),
        (HEAD + MODE.replace("Lost thread", "\\u001b[31mred")).encode(),
        (HEAD + MODE.replace("Lost thread", "\\u202eevil")).encode(),
        (HEAD + MODE + '"\\u001b]0;title\\u0007" = 1\n').encode(),
        (HEAD + MODE.replace("Lost thread", "x" * 100_000)).encode(),
        (HEAD + MODE.replace('"lost-thread"', "'''\n[[mode]]'''")).encode(),
    ],
    ids=range(24),
)
def test_hostile_files_end_in_one_line(tmp_path: Path, data: bytes) -> None:
    refusal(tmp_path, data)


def test_folders_missing_files_devices_and_impossible_paths(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.toml", Path("/dev/zero"), Path("a\0b"), tmp_path / ("n" * 5000)):
        with pytest.raises(UserError) as caught:
            load(path)
        assert str(caught.value).isprintable()


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_random_bytes_after_a_good_head_load_or_are_refused(
    tmp_path_factory: pytest.TempPathFactory, tail: bytes
) -> None:
    path = write(tmp_path_factory.mktemp("fuzz"), (HEAD + MODE).encode() + tail)
    assert outcome(lambda: load(path).id).isprintable()


def test_importing_parses_no_toml(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib
    import tomllib

    def refuse(*args: object) -> None:
        raise AssertionError("TOML parsed at import")

    monkeypatch.setattr(tomllib, "loads", refuse)
    importlib.reload(books)


# ---- the hash


def toml_of(data: dict[str, Any], draw: Any) -> str:
    """The codebook written down in a random order, with random comments and spacing."""

    def pairs(table: dict[str, Any]) -> str:
        lines = []
        for key in draw(st.permutations([name for name, value in table.items() if isinstance(value, str)])):
            blank, comment = draw(st.sampled_from(["", " ", "\t "])), draw(st.sampled_from(["", "  # why", "\n\n# x"]))
            lines.append(f'{key}{blank}={blank}"{table[key]}"{comment}')
        return "\n".join(lines) + "\n"

    modes = ["[[mode]]\n" + pairs(mode) for mode in data["mode"]]
    return pairs(data) + "\n".join(modes)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_hash_does_not_depend_on_how_it_is_written(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    text = toml_of(model(), data.draw)
    assert load(write(tmp_path_factory.mktemp("hash"), text)).hash == book().hash


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["agent", "forgets", "its", "aim", "again"]), min_size=1, max_size=12), st.data())
def test_wrapping_prose_does_not_change_the_hash_but_words_do(words: list[str], data: st.DataObject) -> None:
    gaps = [data.draw(st.sampled_from([" ", "  ", "\n", "\n  ", "\t"])) for _ in words]
    wrapped = "".join(f"{gap}{word}" for gap, word in zip(gaps, words, strict=True))

    def with_definition(text: str) -> Codebook:
        modes = model()["mode"]
        modes[0]["definition"] = text
        return book(mode=modes)

    assert with_definition(wrapped).hash == with_definition(" ".join(words)).hash
    assert with_definition(wrapped + " otherwise").hash != with_definition(wrapped).hash


def test_every_kind_of_change_changes_the_hash() -> None:
    base = book().hash
    modes = model()["mode"]
    others = [
        book(version="2"),
        book(title="Other"),
        book(source="s"),
        book(mode=modes[::-1]),
        book(mode=[modes[0] | {"when": ["x"]}, modes[1]]),
        book(mode=[modes[0] | {"example": {"text": "t", "why": "w"}}, modes[1]]),
        book(crosswalk=[{"from": "o", "title": "O", "entries": [{"name": "n", "to": ["made-up"]}]}]),
    ]
    assert len({base, *(other.hash for other in others)}) == len(others) + 1


def test_a_default_written_out_is_the_same_content() -> None:
    modes = model()["mode"]
    written = [modes[0] | {"severity": {"class": "unclear"}, "note": "", "when": []}, modes[1]]
    assert book(mode=written).hash == book().hash


def test_canonical_json_reads_back_as_the_same_codebook() -> None:
    mast = load(books.BUILT_IN / "mast.toml")
    again = Codebook.from_json(mast.canonical_json())
    assert again == mast
    assert again.hash == mast.hash


def test_lines_of_an_example_are_kept() -> None:
    modes = model()["mode"]
    text = "\na: one  \n  b: two\n\n"
    loaded = book(mode=[modes[0] | {"example": {"text": text, "why": "w"}}, modes[1]])
    example = loaded.modes[0].example
    assert example
    assert example.text == "a: one\n  b: two"


# ---- several codebooks


def test_the_users_folder_and_files_are_loaded_after_the_built_in_ones(tmp_path: Path) -> None:
    folder, other = tmp_path / "mine", tmp_path / "other"
    folder.mkdir()
    other.mkdir()
    write(folder, HEAD + MODE)
    write(other, HEAD.replace("small", "second") + MODE, "b.toml")
    loaded = load_all([other], folder=folder)
    assert [item.id for item in loaded] == ["mast", "safety", "small", "second"]
    assert loaded.paths["second"] == other / "b.toml"
    assert [item.id for item in loaded.only("second", "mast")] == ["second", "mast"]
    assert [item.id for item in load_all(folder=tmp_path / "none")] == ["mast", "safety"]


def test_a_broken_file_in_the_folder_is_a_problem_and_a_named_one_an_error(tmp_path: Path) -> None:
    broken = write(tmp_path, "id = ")
    loaded = load_all(folder=tmp_path)
    assert [item.id for item in loaded] == ["mast", "safety"]
    assert str(broken) in str(loaded.problems[0])
    with pytest.raises(UsageError, match=r"small\.toml"):
        loaded.resolve("lost-thread")
    with pytest.raises(UsageError, match=r"small\.toml"):
        loaded.get("small")
    with pytest.raises(UserError, match="not valid TOML"):
        load_all([broken])


def test_two_codebooks_of_one_id_are_refused_unless_equal(tmp_path: Path) -> None:
    first = write(tmp_path, HEAD + MODE, "a.toml")
    same = write(tmp_path, "# copy\n" + HEAD + MODE, "b.toml")
    other = write(tmp_path, HEAD + MODE.replace("A1", "A9"), "c.toml")
    assert [item.id for item in load_all([first, same])] == ["mast", "safety", "small"]
    with pytest.raises(UserError, match="another codebook has the id 'small'"):
        load_all([first, other])


# ---- naming a mode


@pytest.fixture
def two() -> Codebooks:
    mast = load(books.BUILT_IN / "mast.toml")
    own = [
        {"slug": "task-derailment", "code": "2.6", "name": "Our derailment", "definition": "d"},
        {"slug": "other", "code": "Z9", "name": "Other", "definition": "d", "aliases": ["step repetition", "a@b"]},
    ]
    return Codebooks((mast, book(id="own", mode=own)))


@pytest.mark.parametrize(
    ("text", "where", "slug"),
    [
        ("reasoning-action-mismatch", "mast", "reasoning-action-mismatch"),
        ("2.6@mast", "mast", "reasoning-action-mismatch"),
        ("2.6@own", "own", "task-derailment"),
        (" 2.6 @ own ", "own", "task-derailment"),
        ("task-derailment@own", "own", "task-derailment"),
        ("1.3", "mast", "step-repetition"),
        ("FM-1.3", "mast", "step-repetition"),
        ("z9", "own", "other"),
        ("Weak Verification", "mast", "incorrect-verification"),
        ("ignored other agent’s input", "mast", "ignored-other-agents-input"),
        ("step-repetition", "mast", "step-repetition"),
        ("step repetition@own", "own", "other"),
        ("a@b", "own", "other"),
    ],
)
def test_a_mode_is_found_by_each_of_its_names(two: Codebooks, text: str, where: str, slug: str) -> None:
    found, mode = two.resolve(text)
    assert (found.id, mode.slug) == (where, slug)


@pytest.mark.parametrize("text", ["2.6", "task-derailment", "Step repetition"])
def test_an_ambiguous_name_lists_the_choices(two: Codebooks, text: str) -> None:
    with pytest.raises(UsageError, match=r"names 2 failure modes.*@mast, .*@own"):
        two.resolve(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("reasonin-action-mismach", "Closest: reasoning-action-mismatch (2.6)"),
        ("2.6@mats", "no codebook 'mats'. Loaded: mast, own."),
        ("Z9@mast", "no failure mode 'Z9@mast'"),
        ("", "no failure mode ''"),
        ("@", "no codebook ''"),
        ("\x1b[31m", "no failure mode"),
        ("q" * 100_000, "no failure mode"),
    ],
)
def test_an_unknown_name_says_what_is_close(two: Codebooks, text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        two.resolve(text)
    assert words in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=40))
def test_any_text_resolves_or_is_a_usage_error(text: str) -> None:
    loaded = Codebooks((book(),))
    assert outcome(lambda: loaded.resolve(text)[1].slug).isprintable()


# ---- change and advice


def test_diff_tells_added_removed_renamed_and_changed() -> None:
    modes = model()["mode"]
    old = book(mode=[*modes, {"slug": "gone", "name": "Gone", "definition": "d"}])
    new = book(
        version="2",
        title="New",
        mode=[
            modes[0] | {"name": "Thread lost", "code": "B1"},
            modes[1] | {"definition": "A value is invented.", "when": ["x"]},
            {"slug": "fresh", "name": "Fresh", "definition": "d"},
        ],
    )
    change = diff(old, new)
    assert (change.old, change.new) == (old.ref, new.ref)
    assert (change.added, change.removed) == (("fresh",), ("gone",))
    assert change.renamed == {"lost-thread": ("Lost thread", "Thread lost")}
    assert change.changed == {"lost-thread": ("code",), "made-up": ("definition", "when")}
    assert change.about == ("title",)
    assert change.affected == {"gone", "made-up"}
    assert change
    assert not change.unversioned


def test_diff_of_equal_books_is_empty_and_an_unraised_version_is_told() -> None:
    assert not diff(book(), book())
    swapped = diff(book(), book(mode=model()["mode"][::-1]))
    assert swapped.about == ("order",)
    assert swapped.unversioned
    assert not swapped.affected


def test_check_warns_of_what_is_thin_or_doubled() -> None:
    modes = model()["mode"]
    warnings = check(
        book(category=[{"id": "1", "name": "C"}], mode=[modes[0], modes[1] | {"aliases": ["lost  Thread"]}])
    )
    text = "\n".join(warnings)
    for part in (
        "no near miss",
        "no example",
        "fewer than 8 words",
        "`when`",
        "`when_not`",
        "no category",
        "no source",
    ):
        assert part in text
    assert "made-up: 'lost Thread' also names lost-thread" in text


# ---- crosswalks


def test_a_crosswalk_finds_by_number_and_name_or_by_one_that_is_unique() -> None:
    entries = [
        {"number": "3.2", "name": "Weak", "to": ["made-up"]},
        {"number": "3.3", "name": "None", "to": ["lost-thread", "made-up"]},
        {"number": "3.3", "name": "Nothing", "reason": "no such thing here", "related": ["made-up"]},
    ]
    loaded = book(crosswalk=[{"from": "other", "title": "O", "covers": ["Round 1"], "entries": entries}])
    table = loaded.crosswalk("ROUND 1")
    assert table
    assert table is loaded.crosswalk("other")
    assert loaded.crosswalk("Round 2") is None
    for text in ("3.2 Weak", " 3.2  weak \n\nA definition.", "weak", "3.2"):
        found = table.find(text)
        assert found
        assert found.to == ("made-up",)
    for text in ("3.3 Weak", "3.3", "", "\n", "unknown"):
        assert table.find(text) is None
    assert [entry.label for _, entry in loaded.crosswalk_entries("lost-thread")] == ["3.3 None"]

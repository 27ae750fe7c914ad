"""`codebook list|show|check|affected`, and where codebooks are found."""

from pathlib import Path

import pytest

from labels.codebook import BUILT_IN

OWN = """
id = "own"
version = "1"
title = "Our own"
source = "us"

[[mode]]
slug = "too-slow"
code = "S1"
name = "Too slow"
definition = "The agent takes far longer for a plain thing than a person would have taken."

[[mode]]
slug = "too-loud"
code = "S2"
name = "Too loud"
definition = "The agent writes far more words than anybody who asked could ever want to read."
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(OWN)
    return path


def ids(called) -> list[str]:
    return [book["id"] for book in called.json["codebooks"]]


def test_list(call) -> None:
    called = call("codebook", "list", "--json")
    assert called.json["schema"] == "review-tui/codebook-list/1"
    assert "mast" in ids(called)
    assert "mast" in call("codebook", "list").out


def test_where_codebooks_are_found(call, own: Path, tmp_path: Path, monkeypatch) -> None:
    assert "own" in ids(call("codebook", "list", "--codebook", own, "--json"))
    assert "own" in ids(call("--codebook", own, "codebook", "list", "--json"))
    folder = tmp_path / "config" / "review-tui" / "codebooks"
    folder.mkdir(parents=True)
    (folder / "own.toml").write_text(OWN)
    (folder / "broken.toml").write_text("id = ")
    called = call("codebook", "list", "--json")
    assert "own" in ids(called)
    assert len(called.json["problems"]) == 1
    (folder / "own.toml").unlink()
    monkeypatch.setenv("REVIEW_TUI_CODEBOOKS", f"{own}:")
    assert "own" in ids(call("codebook", "list", "--json"))
    monkeypatch.setenv("REVIEW_TUI_CODEBOOKS", "/nowhere")
    assert "REVIEW_TUI_CODEBOOKS" in call("codebook", "list").err
    monkeypatch.delenv("REVIEW_TUI_CODEBOOKS")
    assert call("codebook", "list", "--codebook", "/nowhere").code == 1


@pytest.mark.parametrize("name", ["2.6", "2.6@mast", "reasoning-action-mismatch", "Reasoning-action mismatch"])
def test_show_a_mode(call, name: str) -> None:
    document = call("codebook", "show", name, "--json").json
    assert document["schema"] == "review-tui/codebook/1"
    assert (document["mode"]["slug"], document["codebook"]["id"]) == ("reasoning-action-mismatch", "mast")
    text = call("codebook", "show", name).out
    assert text.startswith("2.6 ")
    assert "Near miss:" in text


def test_show_books(call, own: Path) -> None:
    assert len(call("codebook", "show", "mast", "--json").json["codebooks"][0]["mode"]) == 14
    assert "too-slow" in call("codebook", "show", "--codebook", own).out
    called = call("codebook", "show", "nope")
    assert called.code == 2
    assert "mast" in called.err


def test_check(call, own: Path, tmp_path: Path) -> None:
    document = call("codebook", "check", own, BUILT_IN / "mast.toml", "--json").json
    assert document["schema"] == "review-tui/codebook-check/1"
    first, second = document["files"]
    assert first["ok"]
    assert any("near miss" in line for line in first["advice"])
    assert (second["id"], second["modes"]) == ("mast", 14)
    broken = tmp_path / "broken.toml"
    broken.write_text(OWN.replace("slug = ", "slugg = ", 1))
    called = call("codebook", "check", own, broken)
    assert called.code == 1
    assert "slugg" in called.err
    assert "can be used" in called.out


def test_affected(call, run: str, own: Path, tmp_path: Path) -> None:
    use = ["--codebook", own, "--verdict", "approve"]
    call("decide", run, "--chunk", 1, *use, "--label", "too-slow:1", "--label", "too-loud:2")
    call("decide", run, "--chunk", 2, *use, "--none-of", "own")
    same = call("codebook", "affected", own, "--json")
    assert same.json["schema"] == "review-tui/codebook-affected/1"
    assert same.json["affected"] == []
    changed = tmp_path / "changed.toml"
    more = '\n[[mode]]\nslug = "too-late"\nname = "Too late"\ndefinition = "New."\n'
    changed.write_text(OWN.replace('version = "1"', 'version = "2"').replace("plain thing", "hard thing") + more)
    label, none = call("codebook", "affected", changed, "--json").json["affected"]
    assert (label["run"], label["reviewer"], label["mode"], label["version"]) == (run, "ann", "too-slow", "1")
    assert "rewritten: definition" in label["reason"]
    assert "too-late, too-slow" in none["reason"]
    removed = tmp_path / "removed.toml"
    removed.write_text(OWN.split('[[mode]]\nslug = "too-loud"')[0])
    (gone,) = call("codebook", "affected", removed, "--json").json["affected"]
    assert (gone["mode"], gone["reason"]) == ("too-loud", "the mode is not in it any more")
    assert "too-loud" in call("codebook", "affected", removed).out
    assert call("codebook", "affected", BUILT_IN / "mast.toml").code == 0


def test_affected_without_the_old_codebook(call, run: str, own: Path, db: Path, tmp_path: Path) -> None:
    call("decide", run, "--chunk", 1, "--codebook", own, "--verdict", "approve", "--label", "too-slow:1")
    from sessions.store import Store

    with Store.open(db) as store, store.write() as tx:
        tx.execute("DELETE FROM codebook")
    changed = tmp_path / "changed.toml"
    changed.write_text(OWN.replace("plain thing", "hard thing"))
    (label,) = call("codebook", "affected", changed, "--json").json["affected"]
    assert "was not kept" in label["reason"]

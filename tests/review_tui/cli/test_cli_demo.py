"""The demo's story, played whole with a real agent process, real gates, real files and a real database."""

from pathlib import Path


def test_the_whole_story_without_a_screen(call, tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    called = call("demo", "--headless", "--dir", folder)
    assert called.code == 0, called
    assert "DROP TABLE deletes the table" in called.out
    assert "restored: prod.db" in called.out
    assert "restored: logs/audit.log" in called.out
    assert "everything came back byte for byte" in called.out
    assert (folder / "workspace" / "proposals" / "0042.sql").is_file()
    listed = call("gate", "list", "--all", "--json", "--db", folder / "review.db").json["gates"]
    assert {gate["state"] for gate in listed} == {"consumed"}
    assert len(listed) == 5
    assert call("db", "verify", "--db", folder / "review.db").code == 0


def test_nothing_is_left_behind(call, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    assert call("demo", "--headless").code == 0
    assert [path for path in tmp_path.iterdir() if path.name.startswith("review-tui-demo")] == []


def test_a_folder_that_is_not_empty_is_left_alone(call, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    called = call("demo", "--headless", "--dir", tmp_path)
    assert called.code == 1
    assert "not empty" in called.err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_it_needs_a_terminal(call) -> None:
    called = call("demo")
    assert called.code == 1
    assert "--headless" in called.err

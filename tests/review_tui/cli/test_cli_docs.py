"""The page on the command line tells the truth: its examples work, and it leaves no command out."""

import json
import re
import shlex
from importlib import import_module
from pathlib import Path

from review_tui.cli.group import COMMANDS

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "command-line.md").read_text()


def test_every_example_works(call, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "sample_traces").symlink_to(ROOT / "sample_traces")
    (tmp_path / "labels").symlink_to(ROOT / "labels")
    monkeypatch.chdir(tmp_path)
    lines = re.findall(r"^\$ review-tui (.+)$", PAGE, re.MULTILINE)
    assert len(lines) > 20
    for line in lines:
        args = shlex.split(line)
        called = call(*args)
        assert called.code == 0, (line, called)
        if "--json" in args:
            assert json.loads(called.out)["schema"].startswith("review-tui/"), line


def test_every_command_and_option_is_on_the_page() -> None:
    for name in COMMANDS:
        assert re.search(rf"review-tui {name}\b", PAGE), name
    for group in ("db", "codebook", "detectors", "queue", "gate", "workspace"):
        for name in import_module(f"review_tui.cli.{group}").TABLE:
            assert re.search(rf"\b{group} {name}\b", PAGE), name
    decide = import_module("review_tui.cli.decide").command
    for param in decide.params:
        if param.param_type_name == "option":
            assert max(param.opts, key=len) in PAGE, param.name

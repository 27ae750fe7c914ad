"""`review-tui command-check`: a line in, a line of JSON out, at once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from review_tui.cli.group import cli


def check(data: bytes, *args: str) -> list[dict[str, Any]]:
    result = CliRunner().invoke(cli, ["command-check", *args], input=data)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout_bytes.splitlines()]


def test_one_line_out_for_each_line_in() -> None:
    answers = check(b"ls -la\nrm -rf /data\n\n   \ngit reset --hard\r\n# rm -rf /")
    assert [answer["verdict"] for answer in answers] == ["allow", "deny", "allow", "allow", "deny", "allow"]
    assert [set(answer) for answer in answers] == [{"command", "verdict", "rule", "why"}] * 6
    assert answers[1]["command"] == "rm -rf /data"
    assert (answers[1]["rule"], answers[0]["rule"]) == ("files.delete-root", "")
    assert "/data" in answers[1]["why"]
    assert answers[4]["command"] == "git reset --hard"


def test_nothing_in_nothing_out() -> None:
    assert check(b"") == []


def test_a_file_instead_of_standard_input(tmp_path: Path) -> None:
    file = tmp_path / "commands"
    file.write_text("git push -f\nls\n")
    assert [answer["verdict"] for answer in check(b"", str(file))] == ["deny", "allow"]


def test_a_missing_file_is_one_plain_line() -> None:
    result = CliRunner().invoke(cli, ["command-check", "/no/such/file"])
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_bytes_that_are_no_utf8_and_escapes_do_no_harm() -> None:
    result = CliRunner().invoke(cli, ["command-check"], input=b"rm -rf \xff\xfe/x\necho \x1b[31m\xe2\x80\xae\n")
    assert result.exit_code == 0
    assert b"\x1b" not in result.stdout_bytes
    assert "\u202e" not in result.stdout_bytes.decode()
    first, second = (json.loads(line) for line in result.stdout_bytes.splitlines())
    assert first["verdict"] == "deny"
    assert second["command"] == "echo \x1b[31m\u202e"


def test_json_is_read_only_when_asked_for() -> None:
    assert check(b'"rm -rf /data"\n')[0]["verdict"] == "allow"  # a program with that name, for a shell
    assert check(b'"rm -rf /data"\n', "--json-lines")[0] == {
        "command": "rm -rf /data",
        "verdict": "deny",
        "rule": "files.delete-root",
        "why": check(b"rm -rf /data\n")[0]["why"],
    }


def test_json_lines() -> None:
    lines = [
        {"command": "rm -rf x", "cwd": "/tmp/w"},
        {"command": "rm -rf x", "cwd": "/w"},
        {"command": "ls\nrm -rf src"},
    ]
    data = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    assert [answer["verdict"] for answer in check(data, "--json-lines")] == ["allow", "deny", "deny"]


def test_a_line_that_is_no_command_in_json_is_denied() -> None:
    answers = check(b'nope\n[1]\n{"cmd": "ls"}\n\n{"command": 5}\n', "--json-lines")
    assert [answer["rule"] for answer in answers] == [*["input.not-json"] * 3, "", "input.not-json"]


def test_answers_come_at_once() -> None:
    """A gate asks, waits, and asks again."""
    program = [sys.executable, "-m", "review_tui", "command-check"]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        for command, verdict in (("ls", "allow"), ("git reset --hard", "deny"), ("git status", "allow")):
            process.stdin.write(command.encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["verdict"] == verdict
        process.stdin.close()
        assert process.wait(10) == 0

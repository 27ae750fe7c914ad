"""`review-tui policy` and `review-tui gate audit`: grammar, exit codes and documents."""

import json
from pathlib import Path
from typing import Any

import pytest
from gating import CHECKS

from labels.operating import record_policy
from labels.policies import inforce
from review_tui.cli.group import cli
from sessions.live import checking, opening, telling
from sessions.live.process import MARKER

HOSTILE = "before \x1b]0;owned\x07 \x9b31m red \u202egnp.exe \u200b hidden \x7f end"
POLICY = """
audit_share = 1.0
[[freeze]]
reason = "long ago"
until = 2001-01-01T00:00:00Z
[[production]]
name = "shop"
hosts = ["*.prod.example.com"]
needs = 2
[[rule]]
id = "reads"
action = "approve"
commands = ["ls*"]
"""


@pytest.fixture(autouse=True)
def _policy(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"policy": ("review_tui.cli.policy", "Policies."), "gate": ("review_tui.cli.gate", "Gates.")}
    monkeypatch.setattr(cli, "table", {**cli.table, **own})
    monkeypatch.setattr(checking, "points", lambda: CHECKS)
    monkeypatch.setattr(checking, "LIMIT_S", 5.0)
    monkeypatch.setattr(checking, "WALL_LIMIT_S", 20.0)
    monkeypatch.setattr(opening, "_recorder", lambda: record_policy)
    monkeypatch.setattr(telling, "points", dict)
    for name in ("REVIEW_TUI_POLICY", "REVIEW_TUI_STAGES", MARKER):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(POLICY)
    monkeypatch.setenv("REVIEW_TUI_POLICY", str(path))
    return path


@pytest.fixture
def request_file(tmp_path: Path):
    """Write a request of an agent that wants to run a command."""

    def write(command: str, **more: Any) -> Path:
        path = tmp_path / "request.json"
        asked = {"run": "r1", "gate": "g1", "agent": "bot", "task": "Mend it.",
                 "proposed": [{"name": "bash", "arguments": {"command": command}}], **more}  # fmt: skip
        path.write_text(json.dumps(asked))
        return path

    return write


# -- show ---------------------------------------------------------------------------------------------------------


def test_show_without_a_policy(call) -> None:
    called = call("policy", "show")
    assert called.code == 0
    assert "there is no policy" in called.out
    assert "policy.toml" in called.out
    assert "irreversible actions" in called.out
    found = call("policy", "show", "--json").json
    assert (found["schema"], found["exists"], found["tag"]) == ("review-tui/policy-show/1", False, None)


def test_show_says_it_in_words(call, policy: Path) -> None:
    called = call("policy", "show")
    assert called.code == 0
    lines = called.out.splitlines()
    assert lines[0] == f"{policy}, content {inforce.in_force().tag}"
    assert "  reads: approves where every call is `ls*`" in lines
    assert "  production shop: whatever names host *.prod.example.com waits; 2 people must approve" in lines
    assert next(line for line in lines if "long ago" in line).endswith("[does not hold now]")
    found = call("policy", "show", "--json").json
    assert found["path"] == str(policy)
    assert found["policy"]["rule"] == [{"id": "reads", "action": "approve", "commands": ["ls*"]}]
    assert found["in_words"]["rules"] == ["reads: approves where every call is `ls*`"]


def test_show_of_a_broken_policy_is_an_error_of_one_line(call, policy: Path) -> None:
    policy.write_text("broken")
    called = call("policy", "show")
    assert (called.code, called.out, len(called.err.splitlines())) == (1, "", 1)


# -- check --------------------------------------------------------------------------------------------------------


def test_check_says_everything_that_is_wrong_one_line_each(call, policy: Path, tmp_path: Path) -> None:
    assert call("policy", "check").out == f"{policy}: can be used, content {inforce.in_force().tag}\n"
    bad = tmp_path / "bad.toml"
    bad.write_text('colour = 1\n[[rule]]\nid = "A"\naction = "hold"\n[[rule]]\nid = "b"\naction = "aprove"\n')
    called = call("policy", "check", bad)
    assert (called.code, called.out) == (1, "")
    lines = called.err.splitlines()
    assert len(lines) == 3
    assert all(line.startswith(f"review-tui: {bad}") for line in lines)
    assert "line 1: `colour` is no field" in lines[0]
    found = call("policy", "check", bad, "--json")
    assert (found.code, found.json["ok"], len(found.json["faults"])) == (1, False, 3)
    assert call("policy", "check", policy, "--json").json["ok"] is True


@pytest.mark.parametrize("content", [b"\xff", b"[[", b"# x\n" * 50_000, None])
def test_check_of_what_is_no_policy(call, tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "x.toml"
    if content is not None:
        path.write_bytes(content)
    called = call("policy", "check", path)
    assert (called.code, len(called.err.splitlines())) == (1, 1)


def test_check_reads_the_stages_that_it_names(call, policy: Path) -> None:
    policy.write_text(POLICY + '[[stages]]\nfile = "stages.toml"\n')
    assert "cannot read the file of stages" in call("policy", "check").err
    stages = policy.with_name("stages.toml")
    stages.write_text('[[stage]]\nnane = "a"\n')
    called = call("policy", "check")
    assert (called.code, "did you mean `name`" in called.err) == (1, True)
    stages.write_text('[[stage]]\nname = "a"\n')
    assert call("policy", "check").code == 0


# -- try ----------------------------------------------------------------------------------------------------------


def test_try_says_what_would_happen_and_opens_nothing(call, policy: Path, request_file, db: Path) -> None:
    called = call("policy", "try", request_file("ls -l"))
    tag = inforce.in_force().tag
    assert (called.code, called.out.splitlines()[0]) == (0, f"approve, by the rule reads@{tag}.")
    assert not db.exists()
    found = call("policy", "try", request_file("psql -h db.prod.example.com"), "--json").json
    assert (found["decides"], found["verdict"], found["needs"]) == ("person", None, 2)
    assert [item["rule"] for item in found["results"]] == [f"production:shop@{tag}"]
    assert "2 people must approve" in call("policy", "try", request_file("psql -h db.prod.example.com")).out
    called = call("policy", "try", request_file("make"))
    assert called.out.splitlines() == ["waits: a person decides.", "  no rule says anything of it."]


def test_try_judges_a_run_that_is_known_as_its_next_gate(call, policy: Path, request_file, db: Path) -> None:
    steps = [{"actor": "bot", "parts": [{"kind": "text", "text": "I look."}]}]
    assert call("gate", "open", "--json", request_file("make", gate="g0", steps=steps)).code == 75
    before = db.read_bytes()
    found = call("policy", "try", request_file("ls", steps=steps), "--json").json
    assert found["verdict"] == "approve"
    assert call("gate", "list", "--all", "--json").json["gates"][0]["gate"] == "g0"
    assert len(call("gate", "list", "--all", "--json").json["gates"]) == 1
    assert db.read_bytes() == before


def test_try_reads_standard_input_and_says_what_is_no_request(call, policy: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("{}")
    assert call("policy", "try", path).code == 2
    assert call("policy", "try", tmp_path / "gone").code == 1
    assert call("policy", "try").code == 2, "an empty standard input"


def test_nothing_hostile_reaches_the_terminal(call, policy: Path, request_file, is_harmless) -> None:
    policy.write_text(POLICY + '[[rule]]\nid = "x"\naction = "hold"\ncommands = ["*"]\n')
    request = request_file(f"rm -rf {HOSTILE}", task=HOSTILE)
    for arguments in (("policy", "try", request), ("policy", "try", request, "--json")):
        called = call(*arguments)
        assert called.code == 0
        assert is_harmless(called.out + called.err)


# -- audit --------------------------------------------------------------------------------------------------------


def test_audit_lists_what_is_due_and_records_what_is_said(call, policy: Path, request_file) -> None:
    assert call("gate", "open", "--json", request_file("ls")).code == 0
    assert call("gate", "open", "--json", request_file("make", gate="g2")).code == 75
    tag = inforce.in_force().tag
    called = call("gate", "audit")
    assert called.code == 0
    assert f"by reads@{tag}" in called.out
    (gate,) = call("gate", "audit", "--json").json["gates"]
    assert (gate["run"], gate["gate"], gate["state"]) == ("r1", "g1", "consumed")
    assert call("gate", "audit", "r1/g1").code == 2
    assert call("gate", "audit", "--verdict", "approve").code == 2
    assert call("gate", "audit", "r1/g2", "--verdict", "approve").code == 1
    said = call("gate", "audit", "r1/g1", "--verdict", "reject", "--note", "not like this", "--json")
    assert (said.code, said.json["verdict"]) == (0, "reject")
    assert "not like this" in call("history", "r1").out
    called = call("gate", "audit")
    assert (called.code, called.out, "nothing is due" in called.err) == (0, "", True)


def test_an_agent_does_not_audit_itself(call, policy: Path, request_file, monkeypatch: pytest.MonkeyPatch) -> None:
    call("gate", "open", "--json", request_file("ls"))
    monkeypatch.setenv(MARKER, "r1")
    called = call("gate", "audit", "r1/g1", "--verdict", "approve")
    assert (called.code, "must not decide" in called.err) == (1, True)


# -- stages -------------------------------------------------------------------------------------------------------


def test_gates_show_their_stage(call, request_file, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stages = tmp_path / "stages.toml"
    shows = 'shows = [{id = "t", tool = "look"}]'
    stages.write_text(f'[[stage]]\nname = "a"\napprovers = ["ann"]\n{shows}\n[[stage]]\nname = "b"\n')
    monkeypatch.setenv("REVIEW_TUI_STAGES", str(stages))
    assert call("gate", "open", "--json", request_file("ls", stage="b")).code == 75
    (gate,) = call("gate", "list", "--json").json["gates"]
    missing = ["stage a does not show that the tool look was called"]
    assert gate["stage_state"] == {"at": "a", "to": "b", "missing": missing, "approvers": ["ann"]}
    assert "stage a to b, 1 missing" in call("gate", "list").out
    shown = call("gate", "show", "r1/g1").out
    assert f"  missing: {missing[0]}" in shown.splitlines()
    refused = call("gate", "decide", "r1/g1", "--verdict", "approve", "--reviewer", "ann")
    assert (refused.code, len(refused.err.splitlines())) == (1, 1)
    assert "does not show what it must" in refused.err
    refused = call("gate", "decide", "r1/g1", "--verdict", "approve", "--reviewer", "bob", "--note", "go on")
    assert "bob may not approve gate 'g1': only ann may." in refused.err
    done = call("gate", "decide", "r1/g1", "--verdict", "approve", "--reviewer", "ann", "--note", "go on")
    assert done.code == 0, done
    assert call("gate", "open", "--json", request_file("ls", stage="b")).code == 0


def test_a_gate_without_stages_says_nothing_of_them(call, request_file) -> None:
    call("gate", "open", "--json", request_file("make"))
    assert "stage_state" not in call("gate", "list", "--json").json["gates"][0]
    assert "stage" not in call("gate", "show", "r1/g1").out

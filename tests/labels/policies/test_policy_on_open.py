"""The command that starts when a gate waits: when, with what, and that nothing of it touches the gate."""

import json
import os
import sys
import time
from pathlib import Path

import pytest
from gating import Gates
from helpers import quick
from hypothesis import given
from hypothesis import strategies as st

from labels.policies import on_open
from labels.policies.model import PLACEHOLDERS
from sessions.live import telling

READS = '[[rule]]\nid = "reads"\naction = "approve"\ncommands = ["ls*"]\n'
TELLS = """
import json, os, sys
out = {"argv": sys.argv[2:], "stdin": json.load(sys.stdin), "cwd": os.getcwd(), "sid": os.getsid(0)}
with open(sys.argv[1] + ".part", "w") as file:
    json.dump(out, file)
os.rename(sys.argv[1] + ".part", sys.argv[1])
"""


@pytest.fixture(autouse=True)
def _listening(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(telling, "points", lambda: {"policy": "labels.policies.on_open:opened"})
    (tmp_path / "home").mkdir()


def told(path: Path) -> dict[str, object]:
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline, "nobody was told"
        time.sleep(0.02)
    return json.loads(path.read_text())


def toml(*words: str) -> str:
    return f"on_open = {json.dumps(list(words))}\n"


def test_it_is_started_for_a_gate_that_waits_and_for_no_other(gates: Gates, policy, tmp_path: Path) -> None:
    script, out = tmp_path / "tell.py", tmp_path / "out.json"
    script.write_text(TELLS)
    words = [
        sys.executable,
        str(script),
        str(out),
        "--title",
        "{run}/{gate}",
        "{reason}",
        "a {agent} b",
        "{",
        "{}",
        "{risk}",
    ]
    policy(toml(*words) + READS)
    assert gates.does("ls").verdict == "approve"
    gate = gates.does("rm -rf /srv/x").gate
    found = told(out)
    reason = on_open.one_line(gate.reason)
    assert found["argv"] == ["--title", f"r1/{gate.key}", reason, "a bot b", "{", "{}", f"{gate.risk:.2f}"]
    assert found["stdin"] == {
        "id": gate.id, "run": "r1", "gate": gate.key, "agent": "bot", "risk": f"{gate.risk:.2f}", "reason": reason,
    }  # fmt: skip
    assert found["stdin"]["id"] == gate.id  # type: ignore[index]
    assert found["cwd"] == str(tmp_path / "home")
    assert found["sid"] != os.getsid(0), "detached"
    out.unlink()
    gates.does("rm -rf /srv/x", gate=gate.key)
    time.sleep(0.3)
    assert not out.exists(), "once for a gate"


@pytest.mark.parametrize("program", ["/nowhere/at/all", "", "\\u0000"])
def test_a_command_that_cannot_be_started_is_no_matter(gates: Gates, policy, program: str) -> None:
    policy(toml(program or "/", "{run}") + READS)
    assert gates.does("make").gate.state == "open"


def test_what_fails_while_telling_is_no_matter(gates: Gates, policy, monkeypatch: pytest.MonkeyPatch) -> None:
    for target in ("no.such.module:x", "labels.policies.on_open:nothing", "nonsense"):
        monkeypatch.setattr(telling, "points", lambda target=target: {"x": target})
        assert gates.does("make").gate.state == "open"


def test_it_does_not_keep_the_agent_waiting_and_is_ended(
    gates: Gates, policy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_open, "LONGEST_S", 0.5)
    mark = tmp_path / "pid"
    code = f"import os, time; open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    policy(toml(sys.executable, "-c", code) + READS)
    begun = time.monotonic()
    gates.does("make")
    assert time.monotonic() - begun < 20
    deadline = time.monotonic() + 30
    while not (mark.exists() and mark.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    pid = int(mark.read_text())
    while _runs(pid):
        assert time.monotonic() < deadline, "it was not ended"
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


TEXTS = st.text(max_size=30) | st.sampled_from(
    ["--exec=rm", "-x", "@/etc/passwd", "{run}", "{reason}", "\n-x", "\x1b]0;x\x07"]
)


@quick(400)
@given(
    TEXTS, TEXTS, st.sampled_from(["{run}", "{reason}", "--title={run}", "x {run}{reason}", "{run}{reason}", "-d{run}"])
)
def test_an_agents_words_become_no_option(run: str, reason: str, word: str) -> None:
    facts = {name: on_open.one_line({"run": run, "reason": reason}.get(name, "")) for name in PLACEHOLDERS}
    program, made = on_open.filled(("prog", word), facts)
    assert program == "prog"
    assert made.isprintable()
    if not word.startswith("-"):
        assert not made.startswith(("-", "@"))
    assert made.lstrip() == word.replace("{run}", "\0").replace("{reason}", facts["reason"]).replace("\0",
    facts["run"]).lstrip() or (
        "{run}" in facts["reason"] or "{reason}" in facts["run"]
    )  # fmt: skip


def test_a_value_is_filled_in_once() -> None:
    facts = dict.fromkeys(PLACEHOLDERS, "") | {"run": "{reason}", "reason": "{run}"}
    assert on_open.filled(("p", "{run} {reason}"), facts) == ["p", "{reason} {run}"]


def test_long_texts_are_cut() -> None:
    assert len(on_open.one_line("x" * 100_000)) == 300

"""Calls that an agent makes to break a policy: they hold, for as many people as it knows, and take no longer."""

import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from gating import Gates, call
from helpers import JSON_VALUES, quick
from hypothesis import given
from hypothesis import strategies as st

from labels.policies import judging
from labels.policies.judging import Subject
from labels.policies.model import Policy
from labels.policies.own import own_records
from labels.policies.touching import MOST_TEXT, touches
from sessions.bodies import StoredStep
from sessions.live.checking import together
from sessions.run import Part, Step

STRICT = Policy.model_validate(
    {
        "production": [
            {"name": f"t{n}", "hosts": ["*.prod.example.com", "*a*a*a*a*b"], "paths": ["/srv/*/live/*", "*secret*key*"],
             "contexts": ["*prod*"], "databases": ["bill*ing"], "needs": 3}
            for n in range(5)
        ],
        "rule": [
            {"id": "all", "action": "approve", "commands": ["*"]}, {"id": "tools", "action": "approve", "tools": ["*"]},
            {"id": "quiet", "action": "approve", "changes": False},
            {"id": "two", "action": "hold", "commands": ["*a*a*a*a*a*b", "kubectl * delete * --all*"], "needs": 2},
        ],
        "freeze": [{"reason": "x"}],
    }
)  # fmt: skip
MANY = 190_000
#: What is just short enough to be read, and what is not.
SHAPES = {
    "letters": "a", "blanks": "a ", "commands": "ls;", "quotes": "'\"", "substitutions": "$(", "backticks": "`a",
    "names": "prod ", "almost": "xprodx ", "slashes": "/", "folders": "a/", "pipes": "a|", "parens": "(",
    "braces": "{a,b}",
    "heredocs": "cat <<E\nx\nE\n", "xargs": "xargs ", "percent": "%41", "dollars": "$a", "brackets": "[[",
    "lines": "\n",
    "escapes": "\\", "stars": "*", "sudo": "sudo ", "strings": "'a' ", "functions": "a(){ a|a& };", "dots": "../",
}  # fmt: skip


def judged(*parts: Part, workspace: str = "/w", policy: Policy = STRICT) -> tuple[list[Any], Subject, float]:
    """What the policy says of these calls, and how long it took, in seconds of processor time."""
    begun = time.thread_time()
    steps = [StoredStep(0, "s", 0, Step("bot", "agent", list(parts)))]
    found, complete = touches(steps, [], workspace)
    own = own_records(Path("/data/review.db"))
    subject = Subject("bot", "r", None, False, 1, False, found, workspace, complete, own=own)
    results = [*judging.always(policy, subject), *judging.said(policy, subject, datetime.now(UTC))]
    return results, subject, time.thread_time() - begun


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [MOST_TEXT - 100, 1_000_000])
@pytest.mark.parametrize("tool", ["bash", "write_file", "unknown"])
def test_a_huge_call_holds_and_takes_no_longer(shape: str, size: int, tool: str) -> None:
    text = (SHAPES[shape] * (size // len(SHAPES[shape]) + 1))[:size]
    key = "command" if tool == "bash" else "content"
    results, _, seconds = judged(call(tool, {key: text, "path": "x"}))
    assert [item for item in results if item.action == "hold"]
    assert together([("policy", item) for item in results]).verdict is None
    if size > MOST_TEXT:
        assert max(item.needs for item in results) == 3, "nobody knows what is in it, so the strictest need holds"
    assert seconds < 1.5, "several times what it takes on a slow machine, and far from what going back would take"


def test_many_large_calls_are_not_all_read() -> None:
    parts = [call("write_file", {"path": "x", "content": "a b " * 20_000}) for _ in range(30)]
    results, subject, _ = judged(*parts)
    assert [touch.unread for touch in subject.touches] == [False, False, *[True] * 28]
    assert "unread" in [item.rule for item in results]


def test_more_calls_than_anybody_reads() -> None:
    results, subject, _ = judged(*[call("bash", {"command": "ls"})] * 2_001)
    assert (subject.complete, len(subject.touches)) == (False, 2_000)
    assert not [item for item in results if item.action == "approve"]
    assert "unread" in [item.rule for item in results]


def test_paths_that_are_too_long_or_too_many() -> None:
    for command in ("cat /" + "a/" * 70, "cat " + "b" * 2_100, "cat " + " ".join(f"f{n}" for n in range(500))):
        results, _, _ = judged(call("bash", {"command": command}))
        assert "unread" in [item.rule for item in results], command[:20]
    deep: Any = "/srv/live"
    for _ in range(100):
        deep = {"a": [deep]}
    results, _, _ = judged(call("any", deep))
    assert "unread" in [item.rule for item in results]


def test_a_name_behind_many_that_are_like_it(gates: Gates, policy) -> None:
    approving = '[[rule]]\nid = "t"\naction = "approve"\ntools = ["*"]'
    policy(f'[[production]]\nname = "p"\nhosts = ["db.prod"]\nneeds = 2\n{approving}')
    decoys = " ".join(f"xdb.prodx{n}" for n in range(2_000))
    assert gates.wants(("note", {"text": f"{decoys} db.prod"})).gate.needs == 2
    assert gates.wants(("note", {"text": decoys})).verdict == "approve"


@pytest.mark.parametrize("hidden", ["\x00", "\u202e", "\u200b", "\ud83d\ude00", "\r", "\x1b[31m"])
def test_odd_letters_do_no_harm(gates: Gates, policy, hidden: str) -> None:
    policy('[[rule]]\nid = "r"\naction = "approve"\ncommands = ["ls", "ls *"]\n')
    assert gates.wants(f"l{hidden}s").verdict is None
    opened = gates.wants(("bash", {"command": f"rm x{hidden}", hidden: hidden}))
    assert opened.verdict is None


COMMANDS = st.lists(
    st.sampled_from(
        ["ls", "cat", "rm", "a", "-rf", "/srv/x/live/y", "..", "~", "|", ";", "&&", ">", "<", "$(", ")", "`", "'",
         '"', "\n",
         "$x", "x=1", "<<E", "E", "{", "}", "*", "sudo", "sh", "-c", "xargs", "\\", "#", "!", "for", "do", "done",
         "if", "fi"]
    ),
    max_size=12,
)  # fmt: skip


@quick(400)
@given(COMMANDS)
def test_nothing_an_agent_writes_breaks_it(words: list[str]) -> None:
    results, _, _ = judged(call("bash", {"command": " ".join(words)}), workspace="/nowhere")
    for item in results:
        assert item.rule
        assert 0 <= item.risk <= 1


@quick(200)
@given(st.sampled_from(["bash", "x", "", "mcp__a__write", "sql", "python", "\u202e"]), JSON_VALUES)
def test_nor_any_arguments(tool: str, arguments: Any) -> None:
    judged(call(tool, arguments))


@quick(300)
@given(COMMANDS)
def test_what_is_approved_has_nothing_in_it_but_its_commands(words: list[str]) -> None:
    """Checked against a reading of its own: without quotes, a plain script is commands between `;`, `|`, `&&`."""
    script = " ".join(words)
    policy = Policy.model_validate({"rule": [{"id": "l", "action": "approve", "commands": ["ls", "ls *"]}]})
    results, _, _ = judged(call("bash", {"command": script}), policy=policy)
    if [item for item in results if item.action == "approve"] and not set(script) & set("'\"\\#"):
        pieces = re.sub(r"<\s*\S+", "", script).replace("&&", "\n").replace(";", "\n").replace("|", "\n").split("\n")
        for piece in pieces:
            left = [word for word in piece.split() if word not in ("if", "fi", "do", "done", "{", "}", "!", "for")]
            assert not left or left[0] == "ls", script
        assert not set(script) & set("$`>"), script

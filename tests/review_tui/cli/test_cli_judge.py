"""`judge` and `judge-import`: what is said before anything is sent, what comes of sending it, and every way to fail."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import judge_server as does
import pytest
from judge_server import Endpoint, claim, endpoint

from review_tui.cli.group import cli
from sessions.store import Store

LOOP = "step-repetition"
YES = does.answer({LOOP: [claim(3, "step 3 says word3")]})


@pytest.fixture(autouse=True)
def own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("REVIEW_TUI_JUDGE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("REVIEW_TUI_JUDGE_BACKOFF_S", "0.01")
    monkeypatch.setitem(cli.table, "judge", ("review_tui.cli.judge", ""))
    monkeypatch.setitem(cli.table, "judge-import", ("review_tui.cli.judge_import", ""))


@pytest.fixture
def server() -> Iterator[Endpoint]:
    with endpoint() as running:
        yield running


@pytest.fixture
def to(server: Endpoint) -> list[str]:
    return ["--endpoint", server.url, "--model", "m"]


# -- before ---------------------------------------------------------------------------------------------------------


def test_without_yes_nothing_is_sent(call, run: str, server: Endpoint, to: list[str]) -> None:
    called = call("judge", run, *to, "--price-in", 2, "--price-out", 8)
    assert called.code == 0
    assert server.bodies == []
    assert f"{server.url}/chat/completions" in called.out
    assert "3 requests, about" in called.out
    assert "$0.0" in called.out
    assert "Nothing was sent; --yes sends." in called.out


def test_without_an_endpoint_the_plan_is_told_all_the_same(call, run: str) -> None:
    called = call("judge", run, "--json")
    assert called.code == 0
    plan = called.json
    assert (plan["schema"], plan["sent"], plan["endpoint"], plan["model"]) == ("review-tui/judge/1", False, None, None)
    (row,) = plan["runs"]
    assert (row["run"], row["steps"], row["parts"], row["calls"], row["usd"]) == (run, 12, 1, 3, None)
    assert plan["total"]["tokens_in"] == row["tokens_in"] > 1000
    assert [book["id"] for book in plan["codebooks"]] == ["mast"]


def test_preview_shows_what_would_be_sent_and_what_was_hidden(call, chat, tmp_path: Path) -> None:
    path = chat(tmp_path / "s.json", extra=[{"role": "assistant", "content": "mail ann@a.org, password: hunter22!"}])
    called = call("judge", path, "--preview")
    assert called.code == 0
    assert "hidden: 1 email, 1 password" in called.out
    assert "mail [PERSONAL:email:1], password: [SECRET:password:1]" in called.out
    assert "hunter22" not in called.out
    assert "## step-repetition" in called.out
    shown = call("judge", path, "--preview", "--json").json["preview"]
    assert len(shown) == 3
    assert "hunter22" not in json.dumps(shown)
    assert shown[0]["messages"][0]["role"] == "system"


def test_preview_is_harmless_on_a_terminal(call, hostile: str, is_harmless) -> None:
    called = call("judge", hostile, "--preview")
    assert called.code == 0
    assert is_harmless(called.out)


def test_a_long_run_says_its_parts_and_what_is_left_out(call, chat, tmp_path: Path) -> None:
    path = chat(tmp_path / "long.json", turns=40, extra=[{"role": "assistant", "content": "x " * 50_000}])
    called = call("judge", path, "--window", 2000, "--part-chars", 3000)
    assert "in 2 parts" in called.out
    assert "the middle of 1 long part (97," in called.out


# -- sending --------------------------------------------------------------------------------------------------------


def test_with_yes_suggestions_stand_beside_the_others(call, run: str, server: Endpoint, to: list[str]) -> None:
    server.otherwise(YES)
    called = call("judge", run, *to, "--yes", "--price-in", 1, "--price-out", 1)
    assert called.code == 0
    assert "1.3 Step repetition  step 3  score 0.90  by judge:m" in called.out
    assert "| step 3 says word3" in called.out
    assert "used: 3,000 + 150 tokens, $0.0032" in called.out
    assert "3 requests; 3,000 + 150 tokens, $0.0032 so far" in called.err
    assert call("judge", run, *to).out.count("to send: nothing") == 1


def test_json_is_one_document(call, run: str, server: Endpoint, to: list[str]) -> None:
    server.otherwise(does.answer({LOOP: [claim(3, "step 3 says word3"), claim(3, "made up")]}))
    called = call("judge", run, *to, "--yes", "--json")
    assert called.code == 0
    document = called.json
    (row,) = document["runs"]
    assert (row["complete"], row["calls"], row["suggestions"], row["hidden"]) == (True, 3, 1, 0)
    assert row["dropped"] == {"quote not found": 1}
    assert row["quotes"] == {"found": 1, "quote not found": 1}
    (item,) = document["suggestions"]
    assert (item["mode"], item["detector"], item["evidence"][0]["step_number"]) == (LOOP, "judge:m", 3)
    assert document["total"] == {
        "calls": 3, "tokens_in": 3000, "tokens_out": 150, "tokens_by_estimate": 0, "usd": None,
    }  # fmt: skip


def test_nothing_found_is_said(call, run: str, server: Endpoint, to: list[str]) -> None:
    called = call("judge", run, *to, "--yes")
    assert called.code == 0
    assert "1 detector found nothing." in called.out


def test_suggestions_on_blind_chunks_are_only_counted(
    call, run: str, server: Endpoint, to: list[str], db: Path
) -> None:
    from labels.queues import create
    from sessions import catalog

    with Store.open(db) as store:
        create(store, "q", [catalog.find_run(store, run)], blind_share=1.0)
    server.otherwise(YES)
    called = call("judge", run, *to, "--yes", "--json")
    assert called.json["suggestions"] == []
    assert called.json["runs"][0]["hidden"] == 1
    assert "word3" not in call("judge", run, *to, "--yes").out


def test_another_codebook_by_file_or_id(call, run: str, server: Endpoint, to: list[str], tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(
        'id = "own"\nversion = "1"\ntitle = "Own"\n[[mode]]\nslug = "odd"\nname = "Odd"\ndefinition = "Odd."\n'
    )
    server.otherwise(does.answer({"odd": [claim(3, "step 3 says word3")]}))
    called = call("judge", run, *to, "--codebook", path, "--yes", "--json")
    assert [item["mode"] for item in called.json["suggestions"]] == ["odd"]
    assert len(server.bodies) == 1
    assert (
        call("--codebook", path, "judge", run, "--codebook", "own", "--codebook", "mast", "--json").json["total"][
            "calls"
        ]
        == 4
    )
    assert call("judge", run, "--codebook", "nope").code == 2


def test_the_key_goes_to_the_endpoint_and_nowhere_else(
    call, run: str, server: Endpoint, to: list[str], db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "very-secret-" + "key-123456"
    monkeypatch.setenv("MY_KEY", key)
    server.script(does.status(401, f"bad key {key}"))
    called = call("judge", run, *to, "--key-env", "MY_KEY", "--yes")
    assert server.headers[0]["Authorization"] == f"Bearer {key}"
    assert called.code == 1
    assert "refuses the key (401)" in called.err
    assert "$MY_KEY" in called.err
    call("judge", run, *to, "--key-env", "MY_KEY", "--yes")
    assert key not in called.out + called.err
    assert key.encode() not in db.read_bytes()


# -- every way to fail ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["--yes"], 1, "no endpoint is set: nothing was sent"),
        (["--yes", "--endpoint", "http://127.0.0.1:1/v1"], 1, "no model is set"),
        (["--endpoint", "http://example.org/v1"], 2, "unencrypted"),
        (["--endpoint", "nonsense"], 2, "no endpoint"),
        (["--cap-usd", "1"], 2, "prices"),
        (["--votes", "2"], 2, "votes"),
        (["--window", "1"], 2, "--window"),
        (["--config", "/nowhere.toml"], 1, "cannot read /nowhere.toml"),
    ],
)
def test_a_call_that_cannot_work(call, run: str, args: list[str], code: int, said: str) -> None:
    called = call("judge", run, *args)
    assert (called.code, called.out) == (code, "")
    assert said in called.err
    assert len(called.err.strip().splitlines()) == 1


def test_nobody_at_the_endpoint(call, run: str) -> None:
    with endpoint() as gone:
        url = gone.url
    called = call("judge", run, "--endpoint", url, "--model", "m", "--yes")
    assert called.code == 1
    assert "cannot be reached" in called.err
    assert "found nothing" not in called.out


def test_a_cap_says_what_was_done_and_a_second_call_goes_on(
    call, run: str, server: Endpoint, to: list[str], chat, tmp_path: Path
) -> None:
    server.otherwise(does.answer({LOOP: [claim(3, "step 3 says word3")]}, usage=(5000, 100)))
    other = chat(tmp_path / "other.json", name="other")
    called = call("judge", run, other, *to, "--cap-tokens", 15_000, "--yes")
    assert called.code == 1
    assert "stopped at the cap of 15,000 tokens" in called.err
    assert "only the rest is sent" in called.err
    assert "1 run not judged." in called.err
    before = len(server.bodies)
    assert 0 < before < 3
    called = call("judge", run, other, *to, "--cap-tokens", 200_000, "--yes", "--json")
    assert called.code == 0
    assert len(server.bodies) == 6
    assert [row["cached_calls"] for row in called.json["runs"]] == [before, 0]


def test_an_answer_that_cannot_be_used_is_said(call, run: str, server: Endpoint, to: list[str]) -> None:
    server.script(does.text("\x1b[31mno\u202e"), does.text("no"))
    called = call("judge", run, *to, "--yes")
    assert called.code == 1
    assert "no usable answer on System design issues in part 1" in called.err
    assert "\x1b" not in called.err + called.out


@pytest.mark.timeout(60)
def test_ctrl_c_keeps_what_was_answered(run: str, server: Endpoint, to: list[str], call) -> None:
    server.script(does.answer(), does.silent)
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "judge", run, *to, "--yes"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while len(server.bodies) < 2:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "interrupted. What was answered is kept" in err
    assert "Traceback" not in err
    assert call("judge", run, *to, "--json").json["runs"][0]["cached_calls"] == 1


PROGRAM = """
import sys
from review_tui.cli.group import cli
cli.table["judge"] = ("review_tui.cli.judge", "")
cli(sys.argv[1:], prog_name="review-tui")
"""


# -- agentdash ------------------------------------------------------------------------------------------------------

ANSWER: dict[str, Any] = {
    "failure_modes": {"1.3": 1, "2.5": 0, "3.3": 0}, "summary": "It loops.", "task_completion": False,
    "total_failures": 1, "raw_response": "C.\n1.3 yes\n2.5 Ignored Other Agent's Input: yes\n",
}  # fmt: skip


def test_agentdash_answers_are_imported(call, run: str, tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(ANSWER))
    called = call("judge-import", path, "--run", run, "--json")
    assert called.code == 0
    (row,) = called.json["imported"]
    assert (row["run"], row["modes"]) == (run, ["step-repetition", "ignored-other-agents-input"])
    assert (row["reread"], row["silent"]) == (["2.5"], ["3.3"])
    called = call("judge-import", path, "--run", run)
    assert "yes to 2 of 2 modes" in called.out
    assert "read otherwise than agentdash did, from its own raw answer: 2.5" in called.err
    assert "not answered: 3.3" in called.err


def test_agentdash_files_that_cannot_be_imported(call, run: str, tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(ANSWER))
    assert "names no run" in call("judge-import", path).err
    assert call("judge-import", tmp_path / "none.json", "--run", run).code == 1
    path.write_text("{}")
    called = call("judge-import", path, "--run", run)
    assert called.code == 1
    assert "holds no answer of agentdash" in called.err

"""What counts as shown: commands that passed, tools that were called, files that are there."""

import os
import time
from pathlib import Path

import pytest
from gating import Gates, Opened

from labels.stages import evidence
from labels.stages.evidence import file_there, made, shown_by
from labels.stages.model import Requirement
from sessions.bodies import StoredStep
from sessions.run import Flag, Part, Step, arguments_text

TESTS = Requirement(id="t", command="pytest*")


def steps_of(*parts: Part, stage: str = "s", flags: int = 0) -> list[StoredStep]:
    """One step for each part, from index 5 on."""
    return [
        StoredStep(5 + place, f"s{place}", flags, Step("bot", "agent", [part], stage=stage))
        for place, part in enumerate(parts)
    ]


def ran(command: str, call_id: str | None = None, tool: str = "bash") -> Part:
    arguments = {"command": command}
    return Part("tool_call", arguments_text(arguments), name=tool, arguments=arguments, call_id=call_id)


def got(text: str = "3 passed in 0.1s", error: bool | None = None, call_id: str | None = None) -> Part:
    return Part("tool_result", text, call_id=call_id, is_error=error)


def shown(*parts: Part, wanted: Requirement = TESTS, first: int = 5, **more: object) -> str | None:
    return shown_by(wanted, made(steps_of(*parts, **more), "s"), first)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "command",
    ["pytest", "pytest -q tests", "cd x && pytest -q", "make build; pytest", "pytest && git status", "(cd x && pytest)",
     "pytest 2>&1", "pytest -q # all of them", "ls | wc -l; pytest"],
)  # fmt: skip
def test_a_command_that_passed(command: str) -> None:
    assert shown(ran(command), got()) == "step 6"


@pytest.mark.parametrize(
    "command",
    [
        "pytest || true", "pytest | tail -3", "pytest; true", "pytest; echo ok", "pytest &", "! pytest", "echo pytest",
        "pytest || pytest", "if pytest; then echo ok; fi", "pytest > log.txt", "PYTEST_ADDOPTS=--co pytest",
        "pytest() { true; }; pytest", "pytest $(cat args)", "cat <<E\npytest\nE", "python -m pytest", "sh -c pytest",
        "pytest\ntrue", "ls # pytest", "pytest && true || true", "alias pytest=true; pytest", "npx pytest-like",
    ],
)  # fmt: skip
def test_a_command_whose_success_nobody_knows(command: str) -> None:
    assert shown(ran(command), got("")) is None


@pytest.mark.parametrize(
    ("glob", "command"),
    [("./check.sh*", "./check.sh --all"), ("check.sh", "bin/check.sh"), ("python -m pytest*", "python -m pytest -q"),
     ("uv run pytest*", "uv run pytest"), ("make test", "make test"), ("bash run_tests.sh", "bash run_tests.sh")],
)  # fmt: skip
def test_programs_as_they_are_written(glob: str, command: str) -> None:
    assert shown(ran(command), got(""), wanted=Requirement(id="c", command=glob)) == "step 6"


@pytest.mark.parametrize(
    ("text", "error"),
    [("ok", True), ("1 failed, 2 passed in 0.2s", False), ("FAILED tests/x.py", None), ("Exit code 1\nboom", None),
     ("boom\nexit status 2", False), ("...\nProcess exited with code 127", None), ('{"exit_code": 1}', None),
     ("make: *** [test] Error 2", None), ("returncode=1", False), ("exit code: -9", None)],
)  # fmt: skip
def test_a_result_that_is_an_error(text: str, error: bool | None) -> None:
    assert shown(ran("pytest"), got(text, error)) is None


@pytest.mark.parametrize(
    ("text", "error"), [("", None), ("", False), ("exit code 0", None), ("2 passed, 0 failed", False), ("done", None)]
)
def test_a_result_that_is_none(text: str, error: bool | None) -> None:
    assert shown(ran("pytest"), got(text, error)) == "step 6"


def test_without_a_result_nothing_has_passed() -> None:
    assert shown(ran("pytest")) is None
    assert shown(ran("pytest", "a"), got(call_id="b")) is None


def test_results_belong_to_their_calls() -> None:
    assert shown(ran("pytest", "a"), ran("make", "b"), got("boom", True, "b"), got(call_id="a")) == "step 6"
    assert shown(ran("pytest", "a"), ran("make", "b"), got(call_id="b"), got("boom", True, "a")) is None
    assert shown(ran("make"), ran("pytest"), got("boom", True), got()) == "step 7"
    assert shown(ran("make"), ran("pytest"), got(), got("boom", True)) is None


def test_only_in_this_stage_and_not_undone() -> None:
    assert shown(ran("pytest"), got(), stage="other") is None
    assert shown(ran("pytest"), got(), flags=int(Flag.ABANDONED)) is None


def test_what_was_known_before_is_not_found_anew() -> None:
    assert shown(ran("pytest"), got(), first=7) is None
    assert shown(ran("pytest"), got(), first=6) == "step 6", "its result is new"


def test_tools() -> None:
    wanted = Requirement(id="t", tool="get_*")
    assert shown(ran("x", tool="get_pods"), wanted=wanted) == "step 6"
    assert shown(ran("x", tool="mcp__k8s__get_pods"), wanted=wanted) == "step 6"
    assert shown(ran("get_pods"), wanted=wanted) is None
    assert shown(ran("x", tool="get_pods"), got("boom", True), wanted=wanted) == "step 6", "made is made"


def test_huge_and_many_calls() -> None:
    begun = time.thread_time()
    assert shown(ran("pytest " + "a" * 1_000_000), got()) is None
    parts = [part for n in range(3_000) for part in (ran("ls", str(n)), got(call_id=str(n)))]
    assert shown(*parts, ran("pytest"), got()) == "step 6006"
    assert time.thread_time() - begun < 5


# -- files --------------------------------------------------------------------------------------------------------


def file(glob: str, changed: bool = False) -> Requirement:
    return Requirement(id="f", file=glob, changed=changed)


def test_files(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "cause.md").write_text("x")
    (tmp_path / "link.md").symlink_to(tmp_path / "notes" / "cause.md")
    (tmp_path / "out").symlink_to("/etc")
    for glob in ("notes/cause.md", "notes/*.md", "*.md", "notes/caus?.md"):
        assert file_there(file(glob), str(tmp_path), None) is None, glob
    for glob in ("notes/effect.md", "notes", "link.md", "link*", "out/passwd", "out/*", "*.txt"):
        assert file_there(file(glob), str(tmp_path), None) == "it is not there" or glob in (
            "notes",
            "link.md",
            "out/passwd",
        )
        assert file_there(file(glob), str(tmp_path), None) is not None, glob
    assert file_there(file("x"), None, None) == "the agent names no workspace"
    assert file_there(file("x*"), str(tmp_path / "gone"), None) == "it is not there"


def test_files_that_were_changed(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("x")
    os.utime(path, (1_000, 1_000))
    assert file_there(file("a.md", True), str(tmp_path), 999.0) is None
    assert file_there(file("a.md", True), str(tmp_path), 1_001.0) == "it was not changed in this stage"
    assert file_there(file("*.md", True), str(tmp_path), 1_001.0) == "it was not changed in this stage"
    assert file_there(file("a.md"), str(tmp_path), 1_001.0) is None
    assert file_there(file("a.md", True), str(tmp_path), None) is None


def test_more_files_than_anybody_looks_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "MOST_FILES", 10)
    for n in range(20):
        (tmp_path / f"{n}.txt").write_text("")
        os.utime(tmp_path / f"{n}.txt", (1, 1))
    assert "too many files" in str(file_there(file("*.txt", True), str(tmp_path), 2.0))
    assert "too many files" in str(file_there(file("*.md"), str(tmp_path), None))


def test_at_gates(gates: Gates, workspace: Path, stages) -> None:
    stages(
        '[[stage]]\nname = "a"\n[[stage]]\nname = "b"\n[[stage.shows]]\nid = "f"\nfile = "n.md"\nchanged = true\n'
        '[[stage]]\nname = "c"\n'
    )
    path = workspace / "n.md"
    path.write_text("old")
    os.utime(path, (1_000, 1_000))

    def passed(stage: str, **more: object) -> Opened:
        from labels.operating import Said, decide
        from sessions.live import taking
        from sessions.live.hooks import NO_HOOKS
        from sessions.store import Store

        opened = gates.ask(stage=stage, **more)
        with Store.open(gates.db) as store:
            decide(store, "ann", opened.gate, Said("approve"))
            taking.take(store, opened.gate.id, opened.gate.payload_sha256, NO_HOOKS)
        return opened

    passed("a")
    passed("b")
    assert "not changed in this stage" in gates.ask(stage="c").reason("stage:b:f")
    path.write_text("new")
    assert gates.ask(stage="c").holding == set()

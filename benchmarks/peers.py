"""Other programs on the same files: toolong on the 100 MB run, mini-swe-agent's inspector on a run and a giant step;
for `readers`, also claude-code-log and inspect_ai.

Only with `--peers`: they are installed from the package index into benchmarks/.peers, each in an environment of its
own, because they pin old versions of Textual.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path

import orjson

from benchmarks import corpus
from benchmarks.pty_driver import Terminal, TimedOut
from benchmarks.report import Figure, percentile
from benchmarks.station import Bench

PLACE = Path(__file__).parent / ".peers"
GROUP = "Peers"


def measure(bench: Bench) -> list[Figure]:
    found: list[Figure] = []
    for name, program in (("toolong", "tl"), ("mini-swe-agent", "mini-extra")):
        try:
            script = _installed(name, program)
        except (subprocess.SubprocessError, OSError) as error:
            found.append(Figure(GROUP, name, float("nan"), "", note=f"not installed: {type(error).__name__}"))
            continue
        found += _toolong(bench, script) if name == "toolong" else _inspector(bench, script)
    return found


def _installed(name: str, program: str) -> Path:
    return python_with(name).with_name(program)


def python_with(name: str, *more: str) -> Path:
    """The interpreter of an environment that has this package; more: what pip is to install beside it.

    Raises CalledProcessError, TimeoutExpired or OSError where it cannot be made.
    """
    place = PLACE / name
    done = place / ".done"
    if not done.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(place)], check=True, timeout=120)
        install = [str(place / "bin" / "pip"), "install", "-q", name, *more]
        subprocess.run(install, check=True, timeout=900, stderr=subprocess.DEVNULL)
        done.touch()
    return place / "bin" / "python"


def _toolong(bench: Bench, script: Path) -> list[Figure]:
    path = bench.main_run
    opens: list[float] = []
    keys: list[float] = []
    for _ in range(bench.times(3, 1)):
        try:
            with Terminal([str(script), str(path)], env=bench.env) as terminal:
                opens.append(terminal.wait_for(r"parentUuid|sessionId", timeout=100))
                terminal.drain(1.0)
                keys = [terminal.press("down").last for _ in range(100)]
        except TimedOut:
            opens.append(100.0)
    figures = [
        Figure(
            GROUP,
            "toolong: the 100 MB file's first lines on screen",
            statistics.median(opens),
            "s",
            note=f"all: {' '.join(f'{at:.2f}' for at in opens)}",
        )
    ]
    return figures + _keys("toolong: down", keys)


def _inspector(bench: Bench, script: Path) -> list[Figure]:
    """The inspector reads `.traj.json` files of mini-swe-agent; it shows one step at a time."""
    found: list[Figure] = []
    for name, messages in (("2,000 messages", 2000), ("a step of 60,000 lines", 0)):
        path = bench.work / f"{messages}.traj.json"
        path.write_bytes(orjson.dumps(_trajectory(messages)))
        try:
            with Terminal([str(script), "inspect", str(path)], env=bench.env) as terminal:
                start = terminal.wait_for(r"Step 1|\b1/\d", timeout=60)
                terminal.drain(1.0)
                times = [terminal.press(key, timeout=60).last for key in ("l", "h") * bench.times(10, 3)]
                found.append(Figure(GROUP, f"mini-swe-agent inspector: start, {name}", start * 1000, "ms"))
                found += _keys(f"mini-swe-agent inspector: next step, {name}", times)
        except TimedOut as error:
            found.append(Figure(GROUP, f"mini-swe-agent inspector, {name}", float("nan"), "", note=str(error)[:60]))
    return found


def _trajectory(messages: int) -> dict[str, object]:
    texts = corpus.Texts(9)
    if messages:
        said = [texts.piece(500) for _ in range(messages)]
    else:
        said = ["look", "looking", "x" * 10 + "\nworker line of a log" * corpus.GIANT_LINES, "done", "next", "end"]
    roles = ("system", "user", *("assistant", "user") * (len(said) // 2))
    return {
        "trajectory_format": "mini-swe-agent-1",
        "info": {"exit_status": "Submitted", "submission": ""},
        "messages": [{"role": role, "content": text} for role, text in zip(roles, said, strict=False)],
    }


def _keys(what: str, seconds: list[float]) -> list[Figure]:
    if not seconds:
        return []
    return [
        Figure(GROUP, f"{what}, p50", statistics.median(seconds) * 1000, "ms"),
        Figure(GROUP, f"{what}, p99", percentile(seconds, 0.99) * 1000, "ms", note=f"n={len(seconds)}"),
    ]

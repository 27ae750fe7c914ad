"""Snapshots and restores of a workspace of 10,000 files and 225 MB, beside plain git on the same tree.

python -m benchmarks.workspace ours|git WORKSPACE STORE TIMES    measures in a process of its own and prints JSON
"""

from __future__ import annotations

import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import corpus
from benchmarks.report import Figure
from benchmarks.station import Bench

GROUP = "Workspace of 10,000 files, 225 MB"
FILES, MEGABYTES, BINARY_EVERY = 10_000, 225, 10
CHANGED, DELETED = 20, 1000
#: What, budget in ms, in the order of the measurement.
BUDGETS = {"first": 6000, "unchanged": 150, "changed": 150, "restore": 150, "restore_deleted": None}
WORDS = {
    "first": "first snapshot",
    "unchanged": "snapshot, nothing changed",
    "changed": f"snapshot, {CHANGED} files changed",
    "restore": f"restore of {CHANGED} files (plan, snapshot before, write)",
    "restore_deleted": f"restore of {DELETED:,} deleted files",
}

Series = dict[str, list[float]]


def measure(bench: Bench) -> list[Figure]:
    times = bench.times(7, 3)
    sides = {}
    for side in ("ours", "git"):
        workspace = bench.work / f"workspace-{side}"
        make_tree(workspace)
        call = [sys.executable, "-m", "benchmarks.workspace", side, workspace, bench.work / f"store-{side}", times]
        done = subprocess.run(list(map(str, call)), check=True, capture_output=True, text=True)
        sides[side] = json.loads(done.stdout)
        shutil.rmtree(workspace)
        shutil.rmtree(bench.work / f"store-{side}")
    ours, git = sides["ours"], sides["git"]
    figures = []
    for name, budget in BUDGETS.items():
        value, floor = (statistics.median(side[name]) * 1000 for side in (ours, git))
        note = f"n={len(ours[name])}, max {max(ours[name]) * 1000:,.0f}"
        figures.append(Figure(GROUP, WORDS[name], value, "ms", budget, floor, "git", note=note))
    megabytes = (side["store_bytes"] / 1e6 for side in (ours, git))
    return [*figures, Figure(GROUP, "size of the store", next(megabytes), "MB", None, next(megabytes), "git")]


def make_tree(folder: Path) -> None:
    """Text of real libraries and manuals, one file of ten random bytes; the same under the same Python."""
    texts, chance = corpus.Texts(1), random.Random(1)
    pool = (texts.code + texts.prose).encode()
    sizes = [chance.lognormvariate(0, 1) for _ in range(FILES)]
    scale = MEGABYTES * 1e6 / sum(sizes)
    for number, share in enumerate(sizes):
        size = int(share * scale)
        place = folder / f"package{number % 20}" / f"module{number % 600 // 20}"
        place.mkdir(parents=True, exist_ok=True)
        if number % BINARY_EVERY == 0:
            (place / f"data{number}.bin").write_bytes(chance.randbytes(size))
        else:
            start = chance.randrange(len(pool) // 2)
            (place / f"file{number}.py").write_bytes((pool[start:] + pool * (size // len(pool) + 1))[:size])


def _measured(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def _series(workspace: Path, times: int, snapshot: Callable[[], object], restore: Callable[[], object]) -> Series:
    """The same acts for both sides. restore: back to the snapshot before the last one."""
    found: Series = {name: [] for name in BUDGETS}
    files = sorted(workspace.rglob("*.py"))
    chosen = files[:: len(files) // CHANGED][:CHANGED]
    found["first"].append(_measured(snapshot))
    time.sleep(0.1)  # what was just written is read once more
    snapshot()
    for number in range(times):
        found["unchanged"].append(_measured(snapshot))
        _change(chosen, number)
        found["changed"].append(_measured(snapshot))
        found["restore"].append(_measured(restore))
        snapshot()
    for _ in range(min(times, 3)):
        for path in files[:DELETED]:
            path.unlink()
        snapshot()
        found["restore_deleted"].append(_measured(restore))
        snapshot()
    return found


def _change(paths: list[Path], number: int) -> None:
    for path in paths:
        path.write_bytes(path.read_bytes() + f"\n# change {number}\n".encode())


def ours(workspace: Path, store_folder: Path, times: int) -> dict[str, object]:
    from sessions.workspace.snapshots import Snapshots

    taken: list[str] = []
    with Snapshots(store_folder) as store:

        def snapshot() -> None:
            taken.append(store.take(workspace, "run", str(len(taken))).id)

        def restore() -> None:
            done = store.apply(store.plan(workspace, taken[-2]))
            assert done.complete
            assert not done.kept

        return {**_series(workspace, times, snapshot, restore), "store_bytes": store.size()}


def git(workspace: Path, store_folder: Path, times: int) -> dict[str, object]:
    """A shadow repository beside the workspace, as agents' checkpoints use it."""
    env = {
        **os.environ,
        "GIT_DIR": str(store_folder),
        "GIT_WORK_TREE": str(workspace),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{who}_{what}": "bench@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }

    def call(*arguments: str) -> None:
        subprocess.run(["git", *arguments], env=env, cwd=workspace, check=True, stdout=subprocess.DEVNULL)

    def snapshot() -> None:
        call("add", "-A")
        call("-c", "gc.auto=0", "commit", "-q", "--allow-empty", "-m", "snapshot")

    def restore() -> None:
        call("restore", "--source", "HEAD~1", "--staged", "--worktree", ".")
        call("clean", "-f", "-d", "-q")

    call("init", "-q")
    found = _series(workspace, times, snapshot, restore)
    size = sum(path.stat().st_size for path in store_folder.rglob("*") if path.is_file())
    return {**found, "store_bytes": size}


if __name__ == "__main__":
    side, *places, repeats = sys.argv[1:]
    measured = {"ours": ours, "git": git}[side](Path(places[0]), Path(places[1]), int(repeats))
    print(json.dumps(measured))

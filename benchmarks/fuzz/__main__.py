"""`python -m benchmarks.fuzz --seconds N READER...`: damaged files for a reader, for so long; failures are kept.

With atheris (`pip install atheris`: CPython 3.11 to 3.13, Linux and macOS) the damage follows what is new in the
readers' code; without it, it is random, and the last line says so. Exit code 1 if something broke. A file that broke
something is in --out, as `READER-NUMBER/`, with `why.txt`; `--again FOLDER` reads it once more.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import sys
import tempfile
import time
import traceback
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.fuzz.damage import damaged, small
from benchmarks.fuzz.holds import check
from benchmarks.samples import Sample, formats, samples

#: The most that a reader's process may take beyond what it has after its imports.
MEMORY_MB = 1500
_PLACES = ("/dev/shm", None)
#: Whoever ends so much before his time has ended early.
_SLACK_S = 2.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("readers", nargs="*", metavar="READER", help="all, unless some are named")
    parser.add_argument("--seconds", type=float, default=30, help="for each reader (30)")
    parser.add_argument("--seed", type=int, help="of the damage; without it another each time")
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "review-tui-fuzz")
    parser.add_argument("--random", action="store_true", help="without atheris")
    parser.add_argument("--again", type=Path, metavar="FOLDER", help="read what broke something once more")
    given = parser.parse_args()
    if given.again is not None:
        return _again(given.again)
    broken = 0
    for name in given.readers or formats():
        if not samples(name):
            print(f"{name}: no sample here (../shared/data)")
            continue
        broken += _in_child(name, given)
    return 1 if broken else 0


def _again(folder: Path) -> int:
    why = (folder / "why.txt").read_text().split("\n")
    check(folder / why[1], why[0])
    print("it holds now")
    return 0


def _in_child(name: str, given: argparse.Namespace) -> int:
    """One reader in a process of its own, so that its memory can be bounded and atheris can end it. How many broke."""
    place = next(place for place in _PLACES if place is None or os.access(place, os.W_OK))
    folder = Path(tempfile.mkdtemp(prefix="review-tui-fuzz-", dir=place))
    try:
        child = os.fork()
        if child == 0:
            try:
                _Fuzzing(name, given, folder).run()
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(2)
        os.waitpid(child, 0)
        return _tell(name, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _tell(name: str, folder: Path) -> int:
    try:
        told = json.loads((folder / "told.json").read_text())
    except OSError:
        print(f"{name}: the process ended at once", flush=True)
        return 1
    how = "atheris" if told["guided"] else "random damage, not guided by coverage: without atheris"
    ended = "" if told["ended"] else "; it ENDED EARLY (memory, or a hang: see above)"
    print(
        f"{name}: {told['count']:,} files in {told['s']:.0f} s, {len(told['broken'])} broken ({how}){ended}", flush=True
    )
    for why, place in told["broken"].items():
        print(f"  {why}\n    {place}", flush=True)
    return len(told["broken"]) + (not told["ended"])


class _Fuzzing:
    """One reader and the files that are made for it. `told.json` has what came of it so far."""

    def __init__(self, name: str, given: argparse.Namespace, folder: Path) -> None:
        self.name, self.seconds, self.out, self.folder = name, given.seconds, given.out, folder
        self.guided = not given.random and find_spec("atheris") is not None
        self.chance = Random(given.seed)
        self.samples = small(name)
        self.began = time.monotonic()
        self.count = 0
        self.broken: dict[str, str] = {}
        self._known: set[str] = set()
        self._told_at = 0.0

    def run(self) -> None:
        if self.guided:
            self._with_atheris()
        else:
            self._bounded()
            while time.monotonic() - self.began < self.seconds:
                self.one(damaged(self.chance.choice(self.samples), self.chance))

    def _note(self) -> None:
        """libFuzzer ends the process itself, so what there is to say is written down as it comes."""
        taken = time.monotonic() - self.began
        ended = taken > self.seconds - _SLACK_S
        told = {"count": self.count, "s": taken, "broken": self.broken, "guided": self.guided, "ended": ended}
        draft = self.folder / "told.draft"
        draft.write_text(json.dumps(told))
        draft.replace(self.folder / "told.json")
        self._told_at = time.monotonic()

    def _bounded(self) -> None:
        status = int(Path("/proc/self/statm").read_text().split()[0]) if Path("/proc").is_dir() else 0
        most = status * resource.getpagesize() + (MEMORY_MB << 20)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))

    def one(self, sample: Sample) -> None:
        """Read one file; what breaks is kept, once for each place in the code."""
        self.count += 1
        path = sample.write(self.folder / "run")
        try:
            check(path, self.name)
        except Exception as error:
            frame = traceback.extract_tb(error.__traceback__)[-1]
            why = f"{type(error).__name__} in {Path(frame.filename).name}:{frame.lineno}: {str(error)[:120]}"
            known = f"{type(error).__name__} {frame.filename}:{frame.lineno} {str(error).partition(':')[0]}"
            if known not in self._known:
                self._known.add(known)
                self._keep(sample, why)
        if time.monotonic() - self._told_at > 0.5 * _SLACK_S:
            self._note()

    def _keep(self, sample: Sample, why: str) -> None:
        place = self.out / f"{self.name}-{len(self.broken) + 1}"
        shutil.rmtree(place, ignore_errors=True)
        sample.write(place)
        (place / "why.txt").write_text(f"{self.name}\n{sample.main}\n{why}\n{traceback.format_exc()}")
        self.broken[why] = str(place)
        self._note()

    # -- atheris --------------------------------------------------------------------------------------------------

    def _with_atheris(self) -> None:
        """Fuzz guided by coverage. Does not come back."""
        import atheris

        with atheris.instrument_imports(include=["sessions.readers", "sessions.jsontext", "sessions.streams"]):
            for module in [name for name in sys.modules if name.startswith("sessions")]:
                del sys.modules[module]
            from sessions import readers

            for name in readers.names():
                readers.load(name)
        for module in [name for name in sys.modules if name.startswith("benchmarks.fuzz.holds")]:
            del sys.modules[module]
        globals()["check"] = __import__("benchmarks.fuzz.holds", fromlist=["check"]).check
        corpus = self.folder / "corpus"
        corpus.mkdir()
        for number, sample in enumerate(self.samples):
            (corpus / str(number)).write_bytes(bytes([number]) + sample.data)
        arguments = ["fuzz", str(corpus), f"-max_total_time={int(self.seconds)}", "-rss_limit_mb=4000", "-timeout=60",
                     "-verbosity=0", "-print_final_stats=0", "-max_len=200000",
                     f"-artifact_prefix={self.out}/{self.name}-"]  # fmt: skip
        self.out.mkdir(parents=True, exist_ok=True)
        atheris.Setup(arguments, self._bytes, custom_mutator=self._mutated(atheris))
        self._bounded()
        self.began = time.monotonic()
        atheris.Fuzz()

    def _bytes(self, data: bytes) -> None:
        """libFuzzer's input: the first byte says which sample the rest is a form of."""
        if not data:
            return
        sample = self.samples[data[0] % len(self.samples)]
        self.one(Sample(sample.format, sample.main, {**sample.files, sample.main: data[1:]}))

    def _mutated(self, atheris: Any) -> Any:
        def mutate(data: bytes, most: int, seed: int) -> bytes:
            if seed % 3 == 0 or not data:
                return bytes(atheris.Mutate(data, most))
            sample = self.samples[data[0] % len(self.samples)]
            whole = Sample(sample.format, sample.main, {sample.main: data[1:]})
            return (data[:1] + damaged(whole, Random(seed), 1).data)[:most]

        return mutate


if __name__ == "__main__":
    raise SystemExit(main())

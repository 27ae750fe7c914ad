"""Reading one file in a process of its own: `python -m benchmarks.reading WAY PATH [FORMAT]` prints JSON.

Seconds are of the processor, because readers do nothing else and the machine may be shared. Runs in the environments
of the peers too, so it imports nothing of ours but what a way needs.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any


def ours(path: Path, format: str) -> dict[str, float]:
    """The reader of a format to the end of the file, each step made and dropped."""
    from sessions.readers import read
    from sessions.run import Header, Problem, Step

    if format == "inspect":
        import inspect_ai.log  # noqa: F401 - what its import takes is not reading
    counts = {Header: 0, Step: 0, Problem: 0}
    first = 0.0
    start = time.process_time()
    for record in read(path, format):
        if type(record) in counts:
            counts[type(record)] += 1
        if not first and isinstance(record, Step):
            first = time.process_time() - start
    found = {"s": time.process_time() - start, "first_s": first}
    return found | dict(zip(("runs", "steps", "problems"), counts.values(), strict=True))


def _documents(path: Path) -> Iterator[bytes]:
    """What there is to be parsed: the lines of JSONL, else the file; of a folder's run all its files."""
    if path.name == "base_state.json":
        yield from (file.read_bytes() for file in sorted(path.parent.rglob("*.json")))
    elif path.suffix == ".jsonl":
        with open(path, "rb") as file:
            yield from file
    else:
        yield path.read_bytes()


def _parsed(path: Path, loads: Callable[[bytes], Any]) -> dict[str, float]:
    start = time.process_time()
    for document in _documents(path):
        loads(document)
    return {"s": time.process_time() - start}


def with_json(path: Path, _format: str) -> dict[str, float]:
    return _parsed(path, json.loads)


def with_orjson(path: Path, _format: str) -> dict[str, float]:
    import orjson

    return _parsed(path, orjson.loads)


def decoded(path: Path, _format: str) -> dict[str, float]:
    """What cannot be avoided with text: its bytes read and decoded, line by line."""
    start = time.process_time()
    with open(path, encoding="utf-8") as file:
        for _ in file:
            pass
    return {"s": time.process_time() - start}


def claude_code_log(path: Path, format: str) -> dict[str, float]:
    logging.disable()
    if format == "codex":
        from claude_code_log.providers.codex import CodexProvider

        start = time.process_time()
        entries = list(CodexProvider().load_session_from_path(path))
    else:
        from claude_code_log.converter import load_transcript

        start = time.process_time()
        entries = load_transcript(path, silent=True)
    return {"s": time.process_time() - start, "entries": len(entries)}


def inspect_ai(path: Path, _format: str) -> dict[str, float]:
    """The library reads the whole log, attachments put back, as a viewer of it needs them."""
    from inspect_ai.log import read_eval_log

    start = time.process_time()
    log = read_eval_log(str(path), resolve_attachments="full")
    return {"s": time.process_time() - start, "entries": len(log.samples or [])}


def toolong(path: Path, _format: str) -> dict[str, float]:
    """Its index of lines, and every line as it shows it (JSON parsed, and laid out). It does the second only for the
    lines on the screen."""
    from threading import Event

    from toolong.log_file import LogFile

    log = LogFile(str(path))
    log.open(Event())
    start = time.process_time()
    ends = sorted(place for _, breaks in log.scan_line_breaks() for place in breaks)
    lines = read = 0
    for begin, end in zip([0, *ends], ends, strict=False):
        log.parse(log.get_line(begin, end))
        lines, read = lines + 1, end
        if time.process_time() - start > LONG_S:
            break
    return {"s": time.process_time() - start, "entries": lines, "bytes": read}


#: Whoever needs longer is stopped, and judged by the bytes that he has read until then.
LONG_S = 20.0


def peak_mb() -> float:
    """The most memory that this process had. Not by `getrusage` where there is /proc: that counts the parent's too."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


WAYS: dict[str, Callable[[Path, str], dict[str, float]]] = {
    way.__name__: way for way in (ours, with_json, with_orjson, decoded, claude_code_log, inspect_ai, toolong)
}


def run(
    way: str, path: Path, format: str, python: str | Path = sys.executable, timeout: float = 300
) -> dict[str, float]:
    """One of WAYS in a fresh process; also `peak_mb`, the memory it took. Raises CalledProcessError, TimeoutExpired."""
    import subprocess

    argv = [str(python), "-m", "benchmarks.reading", way, str(path), format]
    made = subprocess.run(argv, check=True, capture_output=True, timeout=timeout, cwd=Path(__file__).parents[1])
    found: dict[str, float] = json.loads(made.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    result = WAYS[sys.argv[1]](Path(sys.argv[2]), sys.argv[3])
    print(json.dumps(result | {"peak_mb": peak_mb()}))

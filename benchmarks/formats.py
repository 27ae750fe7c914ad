"""A file of sensible size for every reader: the small real ones told over and over, with ids of their own each time.

Fixtures of a few hundred bytes get texts of real length (`corpus.Texts`), so that their readers do not only count
brackets. `canonical` and `atif` are what our own writers make of a session.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import orjson

from benchmarks import corpus
from benchmarks.samples import OWN, samples

MEGABYTES = 20
#: Folders of small files are made of fewer bytes: each costs an `open`.
_FOLDER_MEGABYTES = 5
_IDS = re.compile(r"(?:^|[._])(?:uu)?ids?$|[a-z](?:Id|Uuid)$|^(?:call_id|dotted_order)$")
#: What names the whole session stays the same in all its lines.
_SESSION = frozenset(("sessionId", "session_id", "threadId", "thread_id", "conversation_id", "runId", "projectId"))
_TEXTS = re.compile(r"(?:^|\.)(?:text|content|delta|output|description|result|message)$")
_HEX = re.compile(r"[0-9a-f]{16,}")


def large(format: str) -> Path | None:
    """A file in that format, made once; None where there is no sample to make it of."""
    maker = _MAKERS[format]
    place = corpus.folder() / f"format-{format}-{MEGABYTES}MB"
    done = place / "made"
    if not done.exists():
        if not samples(format):
            return None
        place.mkdir(exist_ok=True)
        done.write_text(str(maker(place).relative_to(place)))
    return place / done.read_text()


def names() -> tuple[str, ...]:
    """Every format there is a file of: all that are registered (a test compares them)."""
    return tuple(_MAKERS)


def size_of(path: Path) -> int:
    """Bytes of what is read when this file is opened."""
    if path.name == "base_state.json":
        return sum(file.stat().st_size for file in path.parent.rglob("*") if file.is_file())
    if path.suffix == ".eval":
        with zipfile.ZipFile(path) as archive:
            return sum(member.file_size for member in archive.infolist())
    return path.stat().st_size


def made_of(format: str) -> str:
    """What it is made of, for the note beside a figure."""
    return "synthetic" if format in _SYNTHETIC else f"{samples(format)[0].main.rpartition('/')[2]}, repeated"


# -- again, with other ids ----------------------------------------------------------------------------------------


class Again:
    """A value of a file, told again and again: `next` gives its JSON with ids that no other telling has."""

    def __init__(self, value: Any, *, seed: int = 3, keep: frozenset[str] = _SESSION) -> None:
        self._texts = corpus.Texts(seed)
        self._value = value
        self._short = len(orjson.dumps(value)) < 8000
        found = set(_ids(value, keep))
        names = [re.escape(name) if len(name) > 5 else f'(?<="){re.escape(name)}(?=")' for name in found]
        self._pattern = re.compile("|".join(sorted(names, key=len, reverse=True))) if names else None
        self._count = count(1)

    def next(self) -> str:
        number = next(self._count)
        text = json.dumps(_told(self._value, self._texts) if self._short else self._value, ensure_ascii=False)
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda match: _renamed(match[0], number), text)


def _ids(value: Any, keep: frozenset[str]) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, str) and item and " " not in item and _IDS.search(key) and key not in keep:
                yield item
            yield from _ids(item, keep)
    elif isinstance(value, list):
        for item in value:
            yield from _ids(item, keep)


def _renamed(name: str, number: int) -> str:
    """Another id of the same kind: of hexadecimal digits, or with a number behind it."""
    if not _HEX.fullmatch(name.replace("-", "")):
        return f"{name}-{number}"
    digits = iter(hashlib.sha256(f"{name} {number}".encode()).hexdigest())
    return "".join("-" if letter == "-" else next(digits) for letter in name)


def _told(value: Any, texts: corpus.Texts, key: str = "") -> Any:
    """The value, its texts made as long as real ones. Pieces of JSON in texts are left alone."""
    if isinstance(value, dict):
        return {name: _told(item, texts, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_told(item, texts, key) for item in value]
    if isinstance(value, str) and _TEXTS.search(key) and not set('{}"') & set(value) and len(value) < 200:
        return f"{value}\n{texts.piece(500)}"
    return value


def _bytes(format: str) -> bytes:
    return samples(format)[0].data


def _rows(format: str) -> list[Any]:
    return [json.loads(line) for line in _bytes(format).splitlines() if line.strip()]


def _until(size: float, pieces: Iterator[str], file: io.TextIOBase, between: str = "\n") -> None:
    written = 0
    for number, piece in enumerate(pieces):
        written += file.write(between + piece if number else piece)
        if written > size * 1e6:
            return


def _endless(again: Again) -> Iterator[str]:
    while True:
        yield again.next()


# -- ways to make a file ------------------------------------------------------------------------------------------


def _lines(format: str, *, head: int = 0) -> Callable[[Path], Path]:
    """JSONL: the sample's lines, and again its lines behind the first `head`."""

    def make(place: Path) -> Path:
        rows = _rows(format)
        again = Again(rows[head:])
        with open(place / "run.jsonl", "w") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows[:head])
            tellings = (json.loads(text) for text in _endless(again))
            _until(MEGABYTES, (json.dumps(row) for told in tellings for row in told), file)
        return place / "run.jsonl"

    return make


def _documents(format: str) -> Callable[[Path], Path]:
    """JSONL: the sample is one document, and stands on a line of its own again and again."""

    def make(place: Path) -> Path:
        value = json.loads(_bytes(format))
        again = Again(value[0] if isinstance(value, list) else value, keep=frozenset())
        with open(place / "run.jsonl", "w") as file:
            _until(MEGABYTES, _endless(again), file)
        return place / "run.jsonl"

    return make


def _list(format: str, *members: str, numbered: str | None = None) -> Callable[[Path], Path]:
    """One JSON document: the lists under these keys told again and again; none: the document is a list.

    numbered: the key of the items that gets another number each time.
    """

    def make(place: Path) -> Path:
        value = json.loads(_bytes(format))
        parts = [value[member] for member in members] if members else [value]
        tellings: list[list[Any]] = [[] for _ in parts]
        again = Again(parts)
        size = 0
        for number in count():
            text = again.next()
            size += len(text)
            for items, whole in zip(json.loads(text), tellings, strict=True):
                for at, item in enumerate(items):
                    whole.append({**item, numbered: number * len(items) + at} if numbered else item)
            if size > MEGABYTES * 1e6:
                break
        document = value | dict(zip(members, tellings, strict=True)) if members else tellings[0]
        (place / "run.json").write_bytes(orjson.dumps(document))
        return place / "run.json"

    return make


def _from_corpus(shape: str) -> Callable[[Path], Path]:
    def make(place: Path) -> Path:
        path = place / "run.jsonl"
        path.hardlink_to(corpus.corpus(shape, steps=MEGABYTES * 1000, megabytes=MEGABYTES))
        return path

    return make


def _converted(format: str) -> Callable[[Path], Path]:
    def make(place: Path) -> Path:
        source = corpus.corpus("claude-code", steps=MEGABYTES * 1000, megabytes=MEGABYTES)
        path = place / ("run.jsonl" if format == "canonical" else "run.json")
        command = [sys.executable, "-m", "review_tui", "convert", str(source), "--to", format, "--out", str(path)]
        subprocess.run([*command, "--force", "--db", str(place / "none.db")], check=True, stderr=subprocess.DEVNULL)
        return path

    return make


def _it_bench(place: Path) -> Path:
    for name in ("agent_output.json", "judge_output.json"):
        (place / name).write_bytes((OWN / "it-bench/sre/Scenario-1/1" / name).read_bytes())
    path = place / "session.jsonl"
    path.hardlink_to(corpus.corpus("codex", steps=MEGABYTES * 1000, megabytes=MEGABYTES))
    return path


def _openhands(place: Path) -> Path:
    """A conversation's folder: the first event, then the others again and again, each in a file of its own."""
    (sample,) = samples("openhands")
    names = sorted(name for name in sample.files if name.rpartition("/")[2].startswith("event-"))
    first, *others = names
    sub = place / "conversation"
    for name in (sample.main, first):
        path = sub / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(sample.files[name])
    again = Again([json.loads(sample.files[name]) for name in others])
    size, number = 0, 0
    while size < _FOLDER_MEGABYTES * 1e6:
        for event in json.loads(again.next()):
            number += 1
            data = orjson.dumps(event)
            size += len(data)
            (sub / f"{Path(first).parent}/event-{number:05d}-{event['id']}.json").write_bytes(data)
    return sub / sample.main


def _inspect(place: Path) -> Path:
    """An .eval file with the sample's samples again and again."""
    path = place / "run.eval"
    with (
        zipfile.ZipFile(io.BytesIO(_bytes("inspect"))) as source,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        rows = {row["id"]: row for row in json.loads(source.read("summaries.json"))}
        texts = {name: source.read(f"samples/{name}_epoch_1.json") for name in rows}
        target.writestr("header.json", source.read("header.json"))
        kept: list[dict[str, Any]] = []
        size = 0
        while size < MEGABYTES * 1e6:
            for name, data in texts.items():
                number = len(kept) + 1
                sample = json.loads(data) | {"id": number, "uuid": f"u{number}"}
                target.writestr(f"samples/{number}_epoch_1.json", orjson.dumps(sample))
                kept.append(rows[name] | {"id": number, "uuid": f"u{number}"})
                size += len(data)
        target.writestr("summaries.json", orjson.dumps(kept))
    return path


def _text(place: Path) -> Path:
    path = place / "run.txt"
    data = _bytes("text")
    path.write_bytes(data * (MEGABYTES * 1_000_000 // len(data)))
    return path


_MAKERS: dict[str, Callable[[Path], Path]] = {
    "canonical": _converted("canonical"),
    "claude-code": _from_corpus("claude-code"),
    "codex": _from_corpus("codex"),
    "it-bench": _it_bench,
    "gemini": _lines("gemini", head=1),
    "acp": _lines("acp"),
    "ag-ui": _lines("ag-ui", head=1),
    "atif": _converted("atif"),
    "otlp": _documents("otlp"),
    "openai-responses": _lines("openai-responses"),
    "openai-agents": _lines("openai-agents"),
    "langsmith": _lines("langsmith"),
    "langfuse": _documents("langfuse"),
    "docent": _documents("docent"),
    "swe-agent": _list("swe-agent", "trajectory", "history"),
    "mini-swe-agent": _list("mini-swe-agent", "messages"),
    "openhands": _openhands,
    "inspect": _inspect,
    "tau-bench": _list("tau-bench", numbered="trial"),
    "tau2": _list("tau2", "simulations"),
    "who-and-when": _list("who-and-when", "history"),
    "trail": _documents("trail"),
    "mast": _list("mast", numbered="trace_id"),
    "ag2": _list("ag2", numbered="trace_id"),
    "autogen": _lines("autogen"),
    "openai-chat": _from_corpus("openai-chat"),
    "text": _text,
}
_SYNTHETIC = frozenset(("canonical", "atif", "claude-code", "codex", "it-bench", "openai-chat"))

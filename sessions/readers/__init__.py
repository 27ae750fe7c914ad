"""The registry of readers: which formats are known, and which one a file is.

Readers are found through the entry-point group `review_tui.readers`, so a package of the user's can add one. The
built-in ones are named here too, because looking entry points up costs more than starting the program should.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

from sessions.errors import UserError
from sessions.jsontext import BadJson
from sessions.readers.base import Head, Reader, Source
from sessions.run import Header, Problem, Record, Run, Step, apply_facts

#: Built-in readers, name -> "module:class". The same list stands in pyproject.toml (a test compares them).
BUILT_IN: dict[str, str] = {
    "canonical": "sessions.readers.canonical:CanonicalReader",
    "claude-code": "sessions.readers.claude_code:ClaudeCodeReader",
    "codex": "sessions.readers.codex:CodexReader",
    "it-bench": "sessions.readers.it_bench:ItBenchReader",
    "gemini": "sessions.readers.gemini:GeminiReader",
    "acp": "sessions.readers.acp:AcpReader",
    "ag-ui": "sessions.readers.ag_ui:AgUiReader",
    "atif": "sessions.readers.atif:AtifReader",
    "otlp": "sessions.readers.otlp:OtlpReader",
    "openai-responses": "sessions.readers.openai_responses:OpenAIResponsesReader",
    "openai-agents": "sessions.readers.openai_agents:OpenAIAgentsReader",
    "langsmith": "sessions.readers.langsmith:LangSmithReader",
    "langfuse": "sessions.readers.langfuse:LangfuseReader",
    "docent": "sessions.readers.docent:DocentReader",
    "swe-agent": "sessions.readers.swe_agent:SweAgentReader",
    "mini-swe-agent": "sessions.readers.mini_swe_agent:MiniSweAgentReader",
    "openhands": "sessions.readers.openhands:OpenHandsReader",
    "inspect": "sessions.readers.inspect_logs:InspectReader",
    "tau-bench": "sessions.readers.tau_bench:TauBenchReader",
    "tau2": "sessions.readers.tau2:Tau2Reader",
    "who-and-when": "sessions.readers.who_and_when:WhoAndWhenReader",
    "trail": "sessions.readers.trail:TrailReader",
    "mast": "sessions.readers.mast:MastReader",
    "ag2": "sessions.readers.ag2:Ag2Reader",
    "autogen": "sessions.readers.autogen:AutogenReader",
    "openai-chat": "sessions.readers.openai_chat:OpenAIChatReader",
    "text": "sessions.readers.plain_text:PlainTextReader",
}
#: Least confidence for a file met while searching a folder; a file named by the user needs only more than 0.
FOLDER_CONFIDENCE = 0.3


@dataclass(frozen=True)
class Guess:
    """What a file could be, and how sure the reader is (0 to 1)."""

    format: str
    confidence: float


@cache
def load(name: str) -> Reader:
    """The reader of that name. Raises UserError for an unknown one."""
    target = BUILT_IN.get(name) or _plug_ins().get(name)
    if target is None:
        known = ", ".join(sorted({*BUILT_IN, *_plug_ins()}))
        raise UserError(f"there is no format {name!r}.", f"Known formats: {known}.")
    module, _, attribute = target.partition(":")
    reader: Reader = getattr(import_module(module), attribute)()
    return reader


@cache
def _plug_ins() -> dict[str, str]:
    from importlib.metadata import entry_points

    return {point.name: point.value for point in entry_points(group="review_tui.readers")}


def names() -> list[str]:
    """All formats, built-in first."""
    return [*BUILT_IN, *(name for name in _plug_ins() if name not in BUILT_IN)]


def likeness(name: str, head: Head) -> float:
    """How sure the reader of that name is. Binary files are only shown to readers that know some (`binary`).

    A reader (perhaps a plug-in) that fails on a file does not want it.
    """
    reader = load(name)
    if not head.data or (head.is_binary and not getattr(reader, "binary", False)):
        return 0.0
    try:
        return reader.sniff(head)
    except Exception:
        return 0.0


def sniff(path: Path) -> list[Guess]:
    """What a file could be, most likely first; [] if no reader wants it. Raises UserError if it cannot be read."""
    head = Head.of(path)
    guesses = [Guess(name, likeness(name, head)) for name in names()]
    return sorted((guess for guess in guesses if guess.confidence > 0), key=lambda guess: -guess.confidence)


def choose(path: Path, format: str | None = None, *, searching: bool = False) -> Reader | None:
    """The reader for a file: the one asked for, or the surest by content.

    searching: the file was met in a folder and nobody asked for it, so None is a fine answer; otherwise a file that
    no reader wants raises UserError.
    """
    if format is not None:
        return load(format)
    guesses = sniff(path)
    if guesses and guesses[0].confidence >= FOLDER_CONFIDENCE:
        return load(guesses[0].format)
    if searching:
        return None
    head = Head.of(path)
    if guesses:
        reader = load(guesses[0].format)
        if doubts := getattr(reader, "doubts", lambda _: "")(head):
            raise UserError(f"{path} {doubts}.", f"If it is one, --format {reader.name} reads it.")
        return reader
    if not head.data:
        raise UserError(f"{path} is empty.", "There is no run in it.")
    if head.is_binary:
        raise UserError(f"{path} is a binary file of no known format.", "Unpack it first if it is an archive.")
    raise UserError(f"{path} is in no known format.", f"Name one with --format: {', '.join(names())}.")


def read(path: Path, format: str | None = None) -> Iterator[Record]:
    """Stream a file's records with the reader chosen by content (or by name).

    Whatever goes wrong inside a reader ends as a Problem: what was read before stays.
    """
    reader = choose(path, format)
    assert reader is not None
    source = Source(path)
    try:
        records = reader.read(source)
        for record in records if source.compression is None else _with_bytes(source, records):
            yield record
            if source.notes:
                yield from source.take_notes()
    except BadJson as error:
        yield source.problem(str(error))
    except RecursionError:
        yield source.problem("nested too deeply to be read")
    except OSError as error:
        yield source.problem(f"cannot be read to its end: {error.strerror}")
    except UserError:
        raise
    except Exception as error:  # a reader (perhaps a plug-in) met what it did not foresee: keep what it has read
        yield source.problem(f"the reader {reader.name} stopped here: {type(error).__name__}: {error}"[:200])
    yield from source.take_notes()


def _with_bytes(source: Source, records: Iterable[Record]) -> Iterator[Record]:
    """A compressed file's records; steps hold the bytes of their raw records, where others have their places.

    All of a step's or none: the store takes the bytes as they come, and the others from the file later.
    """
    for record in records:
        if isinstance(record, Step):
            kept = [source.kept(raw) for raw in record.raw]
            if all(isinstance(raw, bytes) for raw in kept):
                record.raw = kept
        yield record


def collect(records: Iterable[Record]) -> tuple[list[Run], list[Problem]]:
    """All runs and problems of a stream of records, in memory."""
    runs: list[Run] = []
    problems: list[Problem] = []
    for record in records:
        if isinstance(record, Header):
            runs.append(Run(record))
        elif isinstance(record, Problem):
            problems.append(record)
        elif not runs:
            raise AssertionError("a reader must yield a Header first")
        elif isinstance(record, Step):
            runs[-1].steps.append(record)
        else:
            apply_facts(runs[-1].header, record)
    return runs, problems

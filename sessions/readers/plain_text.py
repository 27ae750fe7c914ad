"""Plain text logs, cut into steps by whatever marks their turns; the last resort for what no other reader knows.

Marks: AutoGen's console banners and `Coder (to Tester):`, ReAct, `User:` / `Assistant:` (also as Markdown headings),
`[2025-03-27 01:21:03] planner: ...`, `Step 3`, and what the systems of the MAST corpus write (log_systems.py). A text
without marks is read only where the user says that it is a log, and cut at blank lines.

UTF-8, or UTF-16 by its byte order mark. What is not UTF-8 is shown as U+FFFD and reported once: guessing an old
encoding would turn damage into wrong letters without a word. The log grows by lines; a last line without a newline is
read as it stands. Never more than a step and a megabyte of a line is in memory.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator

from sessions.readers.base import Head, Source
from sessions.readers.log_cuts import Line, choose, count_marks, cut
from sessions.readers.log_marks import GENERIC, Family
from sessions.readers.log_systems import SYSTEM_FAMILIES
from sessions.readers.shared import title_of
from sessions.run import Facts, Header, Problem, Record, Span
from sessions.streams import open_stream

#: A longer line is read in pieces of this size.
LINE_BYTES = 1024 * 1024
#: So many marks of one family, of at least two kinds, and a file is worth opening unasked.
_SURE_MARKS = 3
_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_JSON = re.compile(r"\s*(?:\{\s*[\"}]|\[\s*(?:[\[{\"\]]|-?\d[\d.eE+-]*\s*[,\]]|(?:true|false|null)\b))")
_MARKUP = re.compile(r"\s*<[!?/a-zA-Z]")
#: How source code starts; its strings and comments may quote whole dialogues.
_SOURCE = re.compile(
    r"\s*(?:#!|#include|//|/\*|\"\"\"|'''|[\"']use strict|from [\w.]+ import "
    r"|(?:import|package|using|use|const|def|class) [\w{*])"
)
_HEADINGS = re.compile(r"^#{1,4} \S", re.MULTILINE)
_METAGPT_CONTENT = re.compile(r"\AACTION: .*\nCONTENT:\n")


class PlainTextReader:
    """See the module's docstring."""

    name = "text"
    title = "Plain text log"
    versions = "any"
    gaps = "A log without marks needs `--format text`; it is cut at blank lines, with one actor."

    def sniff(self, head: Head) -> float:
        text = _decoded(head)
        if not text.strip() or _JSON.match(text) or _MARKUP.match(text):
            return 0.0
        return 0.5 if not _SOURCE.match(text) and _is_agent_log(text) else 0.1

    def doubts(self, head: Head) -> str:
        """Why a file that was named is likely no run, although no other reader wants it; "" where it may be one."""
        return "" if choose(_decoded(head)) is not None else "has no marks of turns, as logs of agents have"

    def read(self, source: Source) -> Iterator[Record]:
        head = _decoded(Head.of(source.path))
        lines = _Lines(source)
        yield (header := Header("text", title=source.path.name))
        titled = False
        for step, start, end, judges in cut(lines, choose(head)):
            if judges:
                yield Facts({"reference": {"evaluation": "\n".join(part.text for part in step.parts)}})
                continue
            step.raw.append(Span(start, end - start))
            if not titled and (task := task_of(step.role, [part.text for part in step.parts], step.actor)):
                yield Facts({"task": task, "title": title_of(task) or header.title})
                titled = True
            yield step
        if lines.damaged is not None:
            yield lines.damaged


def task_of(role: str, texts: list[str], actor: str) -> str | None:
    """The task, if a step states it: the user's first words, or the prompt that ChatDev notes before it starts."""
    text = "\n".join(texts)
    if role == "user":
        return _METAGPT_CONTENT.sub("", text) or None
    if actor != "ChatDev":
        return None
    _, _, after = text.partition("**task_prompt**: ")
    task, _, rest = after.partition("**project_name**")
    return task.strip() if rest else None


def _decoded(head: Head) -> str:
    encoding = _UTF16.get(head.data[:2])
    if encoding is None:
        return head.text.removeprefix("\ufeff")
    return head.data[2:].decode(encoding, "replace")


def _is_agent_log(text: str) -> bool:
    """Whether turn marks make this an agent's log. Documents that only explain such logs have headings."""
    for _, marks, kinds in count_marks(text, SYSTEM_FAMILIES):
        if marks >= _SURE_MARKS and kinds >= 2:
            return True
    families = [family for family in GENERIC if _tells(family, text)]
    return any(marks >= _SURE_MARKS and kinds >= 2 for _, marks, kinds in count_marks(text, families))


def _tells(family: Family, text: str) -> bool:
    """Whether a family's marks tell a log from a document: a manual has steps, and a README quotes dialogues."""
    if family.name == "heading":
        return True
    return family.sure and len(_HEADINGS.findall(text[:20_000])) < _SURE_MARKS


class _Lines:
    """A file's lines as text with their places. damaged: what was wrong with the encoding, once they are read."""

    def __init__(self, source: Source) -> None:
        self.damaged: Problem | None = None
        self._source = source

    def __iter__(self) -> Iterator[Line]:
        with open_stream(self._source.path) as file:
            bom = file.read(3)
        encoding = _UTF16.get(bom[:2])
        if encoding is not None:
            return self._utf16(encoding)
        return self._utf8(3 if bom == codecs.BOM_UTF8 else 0)

    def _utf8(self, start: int) -> Iterator[Line]:
        """Pieces of a long line are decoded together, so that no letter is cut in two."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        number = 1
        keeps = self._source.compression is not None
        with open_stream(self._source.path) as file:
            file.read(start)
            while data := file.readline(LINE_BYTES):
                if keeps:
                    self._source.keep(start, data)
                whole = data.endswith(b"\n")
                text = decoder.decode(data, final=whole)
                if "\ufffd" in text and b"\xef\xbf\xbd" not in data:
                    self._complain("is not UTF-8", number)
                yield Line(text, start, start + len(data))
                start += len(data)
                number += whole
        if rest := decoder.decode(b"", final=True):
            self._complain("is not UTF-8", number)
            yield Line(rest, start, start)

    def _utf16(self, encoding: str) -> Iterator[Line]:
        """Places are counted back from the text; they are exact as long as the text is not damaged."""
        start, number = 2, 1
        stream = open_stream(self._source.path)
        keeps = self._source.compression is not None
        with io.TextIOWrapper(stream, encoding, errors="replace", newline="\n") as file:
            file.read(1)  # the byte order mark
            while text := file.readline(LINE_BYTES):
                if keeps:
                    self._source.keep(start, text.encode(encoding, "replace"))
                if "\ufffd" in text:
                    self._complain("is not UTF-16", number)
                end = start + len(text.encode(encoding, "replace"))
                end = end if keeps else min(end, self._source.size)
                yield Line(text, start, end)
                start = end
                number += text.endswith("\n")

    def _complain(self, what: str, line: int) -> None:
        if self.damaged is None:
            self.damaged = self._source.problem(f"a part of the text {what}; it is shown as U+FFFD", line)

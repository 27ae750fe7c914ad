"""A run as the judge gets it: numbered steps with marked parts, redacted, in windows where it does not fit into one.

Only what a reviewer sees of the steps is in it, and the task: no reference, no facts of the source, no records kept raw
(nobody knows what is in them). Nothing is left out in silence: the text itself says how much of a long part is missing
and which steps stand in other windows, and `Omitted` counts it for the user.

Lines of ours begin with a mark that does not occur anywhere in the run, so that no text of the run can pass for the
beginning of a step.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from labels.judge.config import JudgeConfig
from labels.judge.cost import estimate_tokens
from labels.judge.pieces import Omitted, Passage, Piece, Window, outside, span, split, visible
from labels.redaction import Redacted, Redactor
from sessions import catalog
from sessions.bodies import StoredStep
from sessions.catalog import RunInfo
from sessions.errors import UserError
from sessions.run import Part
from sessions.store import Store

#: The task is repeated in every window, as far as this; names are cut to this.
LONGEST_TASK, LONGEST_NAME = 8_000, 80
#: Of a part that is too long, this share of what is sent comes from its beginning.
_HEAD = 0.6
#: Steps that are read at a time.
BATCH_STEPS = 20


@dataclass(slots=True)
class Segmenter:
    """One run, ready to be rendered: as often as wanted, and always the same."""

    store: Store
    run: RunInfo
    config: JudgeConfig
    redactor: Redactor = field(default_factory=Redactor)
    mark: str = ""
    omitted: Omitted = field(default_factory=Omitted)
    _hidden: set[tuple[str, str]] = field(default_factory=set)

    @property
    def redacted(self) -> dict[str, int]:
        """Kind -> how many different values were hidden in what was rendered."""
        return dict(sorted(Counter(kind for kind, _ in self._hidden).items()))

    @classmethod
    def prepare(
        cls, store: Store, run: RunInfo, config: JudgeConfig, cancelled: Callable[[], bool] = lambda: False
    ) -> Segmenter:
        """Read the run once: learn its secrets, and choose a mark that does not occur in it."""
        found = cls(store, run, config)
        seed = f"judge mark {run.content_id or run.id}".encode()
        marks = [sha256(seed + bytes([number])).hexdigest()[:6] for number in range(16)]
        for text in [run.task or "", *run.actors]:
            found.redactor.learn([text])
            marks = [mark for mark in marks if mark not in text]
        for stored in found._steps():
            for part in stored.step.parts:
                found.redactor.learn([part.text, part.name or ""])
                marks = [mark for mark in marks if mark not in part.text and mark not in (part.name or "")]
            if cancelled():
                break
        # Sixteen marks that all occur in the run are no accident; a longer one then decides it.
        found.mark = marks[0] if marks else sha256(seed).hexdigest()[:32]
        return found

    def _steps(self) -> Iterator[StoredStep]:
        """The steps, some at a time: no query stays open while an answer is waited for. Raises UserError if the run
        was removed or read anew meanwhile."""
        for first in range(0, self.run.steps, BATCH_STEPS):
            last = min(first + BATCH_STEPS, self.run.steps) - 1
            batch = list(catalog.steps(self.store, self.run.no, first, last))
            if len(batch) != last - first + 1:
                raise UserError(f"run {self.run.id[:8]} has changed or gone meanwhile.", "Judge it again.")
            yield from batch

    def _redact(self, text: str) -> Redacted:
        hidden = self.redactor.redact(text)
        self._hidden.update((cut.kind, cut.placeholder) for cut in hidden.cuts)
        return hidden

    # -- windows --------------------------------------------------------------------------------------------------

    def windows(self) -> Iterator[Window]:
        """The run in windows, in order."""
        self.omitted, self._hidden = Omitted(), set()
        task = self._task()
        budget = max(500, self.config.window_tokens - estimate_tokens(task) - 100)
        kept: list[Piece] = []
        fresh = used = 0
        number = 1
        for unit in self._units(budget):
            tokens = sum(piece.tokens for piece in unit)
            if fresh and used + tokens > budget:
                yield self._window(number, kept, fresh, task, last=False)
                number += 1
                kept = self._overlap(kept, min(int(budget * self.config.overlap), budget - tokens))
                fresh, used = 0, sum(piece.tokens for piece in kept)
            kept = kept + unit
            fresh += len(unit)
            used += tokens
        yield self._window(number, kept, fresh, task, last=True)

    def _units(self, budget: int) -> Iterator[list[Piece]]:
        """What is kept together: a step, or where a step alone is too much for a window, each piece of it."""
        for stored in self._steps():
            pieces = list(self._pieces(stored, budget))
            if sum(piece.tokens for piece in pieces) <= budget:
                yield pieces
            else:
                yield from ([piece] for piece in pieces)

    @staticmethod
    def _overlap(pieces: list[Piece], budget: int) -> list[Piece]:
        """The last whole steps that fit into so many tokens; of a step that is longer, its last pieces."""
        used = 0
        start = len(pieces)
        while start and used + pieces[start - 1].tokens <= budget:
            start -= 1
            used += pieces[start].tokens
        whole = start
        while 0 < whole < len(pieces) and pieces[whole].step == pieces[whole - 1].step:
            whole += 1
        return pieces[whole if whole < len(pieces) else start :]

    def _window(self, number: int, pieces: list[Piece], fresh: int, task: str, *, last: bool) -> Window:
        repeated = len(pieces) - fresh
        lines = [self._line(self._scope(pieces, last))]
        passages: dict[int, list[Passage]] = {}
        if not (task and any(self._is_task(piece.passage) for piece in pieces)):
            lines.append(task)
        before = None
        for place, piece in enumerate(pieces):
            if piece.step != before:
                said = piece.head if piece.begins else f"{piece.head}, continued"
                lines.append(self._line(said + (", shown in the part before too" if place < repeated else "")))
            before = piece.step
            lines.append(self._line(piece.heading))
            if piece.passage is not None:
                lines.append(piece.passage.text)
                passages.setdefault(piece.step, []).append(piece.passage)
            if piece.after:
                lines.append(self._line(piece.after))
        text = "\n".join([*(line for line in lines if line), self._line("end of this part")])
        ids = {piece.step: piece.stored.id for piece in pieces}
        return Window(number, text, estimate_tokens(text), ids, passages, last)

    def _scope(self, pieces: list[Piece], last: bool) -> str:
        total = self.run.steps
        if not pieces:
            return "a run without steps"
        first, final = pieces[0].step + 1, pieces[-1].step + 1
        if first == 1 and last:
            return f"the whole run, {total} steps"
        others = [span(1, first - 1)] if first > 1 else []
        others += [span(final + 1, total)] if final < total else []
        hidden = f"; not shown here: {' and '.join(others)}" if others else ""
        ending = "; the run ends here" if last else "; the run goes on after it"
        return f"{span(first, final)} of {total}{hidden}{ending}"

    def _line(self, text: str) -> str:
        return f"[{self.mark} {text}]"

    # -- pieces ---------------------------------------------------------------------------------------------------

    def _task(self) -> str:
        """The task with its heading; "" where none is known."""
        if not (self.run.task or "").strip():
            return ""
        hidden = self._redact(self.run.task or "")
        longest = min(LONGEST_TASK, self.config.window_tokens)
        text, rest = visible(hidden.text[:longest]), len(hidden.text) - longest
        lines = [self._line("task that the system was given"), text]
        if rest > 0:
            self.omitted.task = rest
            lines.append(self._line(f"{rest:,} characters of the task are left out here"))
        return "\n".join(lines)

    def _is_task(self, passage: Passage | None) -> bool:
        """Whether a passage is the task itself, which then need not be told twice."""
        if passage is None or not self.run.task:
            return False
        return passage.stored.step.parts[passage.part].text.strip() == self.run.task.strip() and not passage.at

    def _pieces(self, stored: StoredStep, budget: int) -> Iterator[Piece]:
        head, parts = self._head(stored), stored.step.parts
        if not parts:
            yield Piece(stored, True, head, "nothing", None, "", estimate_tokens(head) + 10)
        calls = [part.call_id for part in parts if part.kind == "tool_call"]
        numbers = {call: number for number, call in enumerate(calls, start=1)} if len(calls) > 1 else {}
        for place, part in enumerate(parts):
            yield from self._part(stored, head, place, self._heading(part, numbers), budget)

    def _head(self, stored: StoredStep) -> str:
        step = stored.step
        about = [f"step {stored.number} of {self.run.steps}", f"actor {self._name(step.actor)}", f"role {step.role}"]
        about += [f"sub-agent level {step.depth}"] if step.depth else []
        about += ["on a branch that the run gave up"] if step.branch else []
        return ", ".join(about)

    def _name(self, text: str) -> str:
        """A name of the source's on one line of ours."""
        hidden = self._redact(text[:2_000])
        name = " ".join(visible(hidden.text).split()) or "(no name)"
        return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 3]}..."

    def _part(self, stored: StoredStep, head: str, place: int, heading: str, budget: int) -> Iterator[Piece]:
        part = stored.step.parts[place]
        first = estimate_tokens(head) if not place else 0
        if part.kind == "raw":
            self.omitted.records += 1
            yield Piece(stored, not place, head, heading, None, "", first + estimate_tokens(heading) + 20)
            return
        hidden = self._redact(part.text)
        # A heading and a step's line take their room of the budget too.
        room = max(100, budget - estimate_tokens(head + heading) - 40)
        ranges = self._ranges(hidden, room)
        for number, (start, end, after) in enumerate(ranges, start=1):
            text = visible(hidden.text[start:end])
            said = heading if len(ranges) == 1 else f"{heading}, piece {number} of {len(ranges)}"
            passage = Passage(stored, place, text, start, hidden) if text else None
            tokens = first + estimate_tokens(said + after) + estimate_tokens(text) + 20
            begins = not place and number == 1
            yield Piece(stored, begins, head, said, passage, after, tokens)
            first = 0

    def _heading(self, part: Part, numbers: dict[str | None, int]) -> str:
        """numbers: of the step's calls by their ids, where there are several."""
        if part.kind == "raw":
            return f"a record of the source that no reader knows, {len(part.text):,} characters, is left out here"
        number = f" {numbers[part.call_id]}" if part.call_id in numbers else ""
        if part.kind == "tool_call":
            return f"call{number} of {self._name(part.name or '')}"
        if part.kind == "tool_result":
            of = f" of call{number}" if number else f" of {self._name(part.name)}" if part.name else ""
            return f"result{of}{', an error' if part.is_error else ''}"
        return part.kind

    def _ranges(self, hidden: Redacted, room: int) -> list[tuple[int, int, str]]:
        """What is sent of a part: (start, end, what is said after it), positions in its redacted text."""
        length, limit = len(hidden.text), self.config.part_chars
        wanted = [(0, length, "")]
        if limit and length > limit:
            head = outside(hidden, int(limit * _HEAD))
            tail = outside(hidden, length - (limit - head))
            if tail > head:
                self.omitted.parts += 1
                self.omitted.chars += tail - head
                wanted = [(0, head, f"{tail - head:,} characters are left out here"), (tail, length, "")]
        found: list[tuple[int, int, str]] = []
        for start, end, after in wanted:
            found += split(hidden, start, end, after, room)
        return found

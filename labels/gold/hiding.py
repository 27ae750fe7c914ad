"""What is hidden of a run before it goes into a release: secrets and personal data become typed placeholders.

The rules are those of `labels.redaction`. Every hit must have been looked at: either all are accepted as they are, or a
list says of each value whether it is to be hidden or kept (a false alarm). Ids of steps, chunks and runs are hashes of
content, so those of a run in which something is hidden are made anew, from what is left: otherwise anybody could try
out what fits the old ones. Where nothing was found a run goes through as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from labels.redaction import Cut, Redacted, Redactor
from sessions import catalog
from sessions.bodies import StoredStep
from sessions.catalog import RunInfo
from sessions.errors import UserError
from sessions.identity import Identity
from sessions.jsontext import BadJson, dumps, loads
from sessions.run import Part, Step
from sessions.store import Store

#: (kind, value)
Hit: TypeAlias = tuple[str, str]
Choice: TypeAlias = Literal["hide", "keep"]
#: A run of up to so many characters is kept in memory; a longer one is read anew for each walk through it.
_KEPT_CHARS = 32_000_000
#: So many characters are looked through at once. Between two texts: no letter, no blank, and a new line on both sides.
_LOOK_CHARS = 100_000
_BETWEEN = "\n\0\n"
#: Fields of a step that are text of the source.
_NAMES = ("actor", "native_id", "model", "parent_call", "branch", "stage")


@dataclass
class Review:
    """What was said of hits, and which came up. accept: hide whatever is found. choices: value by value."""

    accept: bool = False
    choices: Mapping[Hit, Choice] = field(default_factory=dict)
    hidden: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    unreviewed: Counter[Hit] = field(default_factory=Counter)

    def keeps(self, hit: Hit) -> bool:
        """Whether a passage stays as it is. Counts it."""
        choice = self.choices.get(hit)
        if choice is None and not self.accept:
            self.unreviewed[hit] += 1
        if choice == "keep":
            self.kept[hit[0]] += 1
            return True
        self.hidden[hit[0]] += 1
        return False

    @classmethod
    def read(cls, path: Path, *, accept: bool = False) -> Review:
        """A list as `gold redactions` writes it, with a decision on each line. Raises UserError."""
        choices: dict[Hit, Choice] = {}
        try:
            lines = path.read_bytes().splitlines()
        except OSError as error:
            raise UserError(f"{path} cannot be read: {error.strerror}.") from None
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = loads(line)
                kind, value, choice = row["kind"], row["value"], row["decision"]
            except (BadJson, KeyError, TypeError):
                raise UserError(f"{path}, line {number}: is no line of `gold redactions --write`.") from None
            if choice not in ("hide", "keep", ""):
                raise UserError(f"{path}, line {number}: the decision is {choice!r:.40}.", "Write hide or keep.")
            if choice:
                choices[str(kind), str(value)] = "keep" if choice == "keep" else "hide"
        return cls(accept, choices)


class Hiding:
    """One run with what has to be hidden in it hidden. Read-only; `steps` may be walked more than once.

    run_id: the run's id in the release: the content id of what is released. step_ids: of its steps, likewise. places:
    where the steps stand by the ids they have in the store. clean: nothing was found, so all is as it was.
    """

    def __init__(
        self, store: Store, run: RunInfo, review: Review, notes: Iterable[str] = (), anchored: Set[str] = frozenset()
    ) -> None:
        """notes: every other text that will be put through `text` or `value`. anchored: ids of the steps that `passage`
        will be asked about."""
        self._store, self._run, self._review = store, run, review
        self._redactor = Redactor()
        #: The steps as they are in the store, and as they are released, where something is hidden.
        self._read: list[StoredStep] | None = None
        self._kept: list[StoredStep] | None = None
        self._counting = True
        self.step_ids: list[str] = []
        self.places: dict[str, int] = {}
        self._anchored: dict[str, Step] = {}
        self._learn(notes, anchored)
        self.clean = self._redactor.empty
        self.run_id = self._identify()
        self._counting = False

    def _learn(self, notes: Iterable[str], anchored: Set[str]) -> None:
        """Walk through the run. Nearly every run is clean, so all of it is looked through in large pieces first, and
        text by text only where there is something. The task comes first: runs of one task then get the same
        placeholders."""
        run, notes = self._run, list(notes)
        heads = [text for text in (run.task, run.system, run.model, run.native_id) if text]
        look = _Look()
        look.add(heads)
        if run.chars <= _KEPT_CHARS:
            self._read = list(catalog.steps(self._store, run.no))
        for stored in self._stored():
            self.step_ids.append(stored.id)
            self.places[stored.id] = stored.index
            if stored.id in anchored:
                self._anchored[stored.id] = stored.step
            look.add(_texts(stored.step))
        look.add(notes)
        if look.clean():
            return
        learn = self._redactor.learn
        learn(heads)
        for stored in self._stored():
            learn(_texts(stored.step))
        learn(notes)

    def _stored(self) -> Iterator[StoredStep]:
        """Do not change them."""
        return iter(self._read) if self._read is not None else catalog.steps(self._store, self._run.no)

    def _identify(self) -> str:
        """Ids of what is left of the run."""
        assert self._run.content_id is not None
        if self.clean:
            return self._run.content_id
        identity = Identity()
        kept: list[StoredStep] | None = [] if self._run.chars <= _KEPT_CHARS else None
        ids = []
        for stored in self._hidden():
            ids.append(identity.step_id(stored.step))
            if kept is not None:
                kept.append(stored)
        self.step_ids, self._kept, self._read = ids, kept, None if kept is not None else self._read
        return identity.content_id()

    def steps(self) -> Iterator[StoredStep]:
        """The steps as they are released."""
        if self.clean:
            return self._stored()
        return iter(self._kept) if self._kept is not None else self._hidden()

    def _hidden(self) -> Iterator[StoredStep]:
        for stored in self._stored():
            step = replace(stored.step, parts=[self._part(part)[0] for part in stored.step.parts])
            for name in _NAMES:
                value = getattr(step, name)
                if value:
                    setattr(step, name, self._redact(value).text)
            yield replace(stored, step=step)

    def text(self, text: str) -> str:
        """Any other text that belongs to the run."""
        if self.clean:
            return text
        self._counting = True
        try:
            return self._redact(text).text
        finally:
            self._counting = False

    def value(self, value: Any) -> Any:
        """The same for all strings of a JSON value."""
        if self.clean:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return {self.text(key): self.value(item) for key, item in value.items()}
        return value

    def passage(self, step: str, part: int, start: int, end: int, quote: str) -> tuple[int, int, str] | None:
        """(start, end, quote) of a passage as it stands in the released text; None if it does not stand in the run.

        step: the id it has in the store.
        """
        found = self._anchored.get(step)
        if found is None or part >= len(found.parts) or found.parts[part].text[start:end] != quote:
            return None
        if self.clean:
            return start, end, quote
        redacted = self._part(found.parts[part])[1]
        first, last = redacted.from_original(start, end)
        return first, last, redacted.text[first:last]

    def _part(self, part: Part) -> tuple[Part, Redacted]:
        redacted = self._redact(part.text)
        arguments = part.arguments
        if part.kind == "tool_call":
            redacted = self._named_argument(part, redacted)
            if redacted.cuts:  # the arguments would tell what the text hides
                arguments = redacted.text
        name = self._redact(part.name).text if part.name else part.name
        call_id = self._redact(part.call_id).text if part.call_id else part.call_id
        made = Part(part.kind, redacted.text, name, call_id, arguments, part.is_error, part.error_inferred)
        return made, redacted

    def _named_argument(self, part: Part, redacted: Redacted) -> Redacted:
        """A single argument stands in the text without its name (`sessions.run.arguments_text`), and the name may be
        what gives it away: `{"password": "hunter2"}`."""
        if redacted.cuts or not (isinstance(part.arguments, dict) and len(part.arguments) == 1) or not part.text:
            return redacted
        cuts = self._redact(dumps(part.arguments)).cuts
        if not cuts:
            return redacted
        whole = Cut(0, len(part.text), 0, cuts[0].placeholder, cuts[0].kind)
        return Redacted(whole.placeholder, (whole,))

    def _redact(self, text: str) -> Redacted:
        found = self._redactor.redact(text)
        if not found.cuts:
            return found
        if self._counting:
            cuts = [cut for cut in found.cuts if not self._review.keeps((cut.kind, text[cut.start : cut.end]))]
        else:
            choices = self._review.choices
            cuts = [cut for cut in found.cuts if choices.get((cut.kind, text[cut.start : cut.end])) != "keep"]
        return found if len(cuts) == len(found.cuts) else _only(text, cuts)


class _Look:
    """Looks many texts through at once. What stands between two of them is in no rule's reach, so that nothing is found
    in less than all; what is found across two of them is looked at again text by text."""

    def __init__(self) -> None:
        self._redactor = Redactor()
        self._texts: list[str] = []
        self._size = 0

    def add(self, texts: Iterable[str]) -> None:
        for text in texts:
            self._texts.append(text)
            self._size += len(text)
        if self._size > _LOOK_CHARS:
            self.clean()

    def clean(self) -> bool:
        """Whether nothing was found so far."""
        if self._texts and self._redactor.empty:
            self._redactor.learn([_BETWEEN.join(self._texts)])
        self._texts, self._size = [], 0
        return self._redactor.empty


def _only(text: str, cuts: Iterable[Cut]) -> Redacted:
    """A text with only these passages hidden."""
    pieces: list[str] = []
    moved: list[Cut] = []
    done = length = 0
    for cut in cuts:
        pieces += (text[done : cut.start], cut.placeholder)
        length += cut.start - done
        moved.append(replace(cut, at=length))
        length += len(cut.placeholder)
        done = cut.end
    return Redacted("".join([*pieces, text[done:]]), tuple(moved))


def _texts(step: Step) -> Iterator[str]:
    for name in _NAMES:
        if value := getattr(step, name):
            yield value
    for part in step.parts:
        yield part.text
        if part.name:
            yield part.name
        if part.call_id:
            yield part.call_id
        if part.kind == "tool_call" and isinstance(part.arguments, dict) and len(part.arguments) == 1:
            yield dumps(part.arguments)

"""The labels of one `decide` call: from what was typed to checked labels.

A label is spelled as `MODE`, `MODE:FIRST-LAST` (step numbers), or later, in --evidence, --caused-by and --root, as it
was given, by its mode alone, or by its id.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field

from labels.codebook import Codebook, Codebooks
from labels.codebook_ref import CodebookRef
from labels.model import Decision, Evidence, Label, StepRef, Target
from labels.suggestions import Suggestion
from review_tui.cli.output import steps_text
from review_tui.sanitize import clean_block, short
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.errors import UsageError
from sessions.store import Store

_RANGE = re.compile(r"^(?P<mode>.+?):(?P<first>\d{1,9})(?:-(?P<last>\d{1,9}))?$", re.DOTALL)
_EVIDENCE = re.compile(r"^(?P<label>.+?):(?P<step>\d{1,9}):(?P<quote>.+)$", re.DOTALL)
#: Fewest characters by which an id may be abbreviated.
ID_PREFIX = 4


@dataclass
class Draft:
    """A label on its way. spelled: as it was typed; "" for one that came of a suggestion."""

    spelled: str
    id: str
    mode: str
    code: str
    name: str
    codebook: CodebookRef
    first: StepRef
    last: StepRef
    evidence: list[Evidence] = field(default_factory=list)
    root_cause: bool = False
    caused_by: str | None = None
    suggestion: str | None = None

    def covers(self, index: int) -> bool:
        return self.first.index <= index <= self.last.index

    def label(self, *, sure: bool) -> Label:
        return Label(
            id=self.id, mode=self.mode, code=self.code, name=self.name, codebook=self.codebook, first=self.first,
            last=self.last, evidence=tuple(self.evidence), sure=sure, root_cause=self.root_cause,
            caused_by=self.caused_by, suggestion=self.suggestion,
        )  # fmt: skip


class Drafts:
    """All labels of the call. earlier: the reviewer's current decisions on the run, whose label ids live on."""

    def __init__(
        self, books: Codebooks, store: Store, run: RunInfo, target: Target, earlier: Iterable[Decision]
    ) -> None:
        self.books, self.store, self.run, self.target = books, store, run, target
        self.earlier = list(earlier)
        self.items: list[Draft] = []
        self.used: dict[str, Codebook] = {}

    def labels(self, *, sure: bool) -> list[Label]:
        return [draft.label(sure=sure) for draft in self.items]

    # -- making labels ------------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """--label MODE[:FIRST-LAST]"""
        mode_text, numbers = split_range(text)
        book, mode = self.books.resolve(mode_text)
        first, last = self._steps(text, numbers)
        self.used[book.id] = book
        self._add(Draft(text, "", mode.slug, mode.code, mode.name, book.ref, first, last))

    def accept(self, suggestion: Suggestion) -> str:
        """--accept: the suggestion's own claim as a label; its id."""
        claim = suggestion
        draft = Draft("", "", claim.mode, claim.code, claim.name, claim.codebook, claim.first, claim.last)
        return self._from(suggestion, draft)

    def relabel(self, suggestion: Suggestion, mode_text: str) -> str:
        """--relabel: another mode in the suggestion's place; the label's id."""
        book, mode = self.books.resolve(mode_text)
        self.used[book.id] = book
        steps = suggestion.first, suggestion.last
        return self._from(suggestion, Draft("", "", mode.slug, mode.code, mode.name, book.ref, *steps))

    def _from(self, suggestion: Suggestion, draft: Draft) -> str:
        draft.evidence = list(suggestion.evidence)
        draft.suggestion = suggestion.id
        return self._add(draft)

    def _add(self, draft: Draft) -> str:
        for same in self.items:
            if _claim(same) == _claim(draft) and same.suggestion == draft.suggestion:
                raise UsageError(f"{draft.mode} at {_steps_of(draft)} was given twice.", "Give it once.")
        draft.id = self._known_id(draft) or uuid.uuid4().hex
        self.items.append(draft)
        return draft.id

    def _known_id(self, draft: Draft) -> str | None:
        """Saying a label again leaves its id as it was, so that what names it as its cause still does."""
        taken = {item.id for item in self.items}
        for decision in self.earlier:
            for label in decision.labels if decision.target.id == self.target.id else ():
                if _claim(label) == _claim(draft) and label.id not in taken:
                    return label.id
        return None

    def _steps(self, text: str, numbers: tuple[int, int] | None) -> tuple[StepRef, StepRef]:
        low, high = self.target.first.index, self.target.last.index
        if numbers is None:
            return self.target.first, self.target.last
        first, last = numbers[0] - 1, numbers[1] - 1
        if first > last:
            raise UsageError(f"--label {short(text, 80)}: the first step comes after the last.", "Swap them.")
        if first < low or last > high:
            place = f"chunk {self.target.number}" if self.target.scope == "chunk" else "this run"
            raise UsageError(
                f"--label {short(text, 80)}: {place} has {steps_text(low, high)}.",
                "Name steps in it; --whole decides on the whole run." if self.target.scope == "chunk" else "",
            )
        return self.step(first + 1), self.step(last + 1)

    def step(self, number: int) -> StepRef:
        """A step by its number. Raises UsageError if the run has none such."""
        found = catalog.step_id(self.store, self.run.no, number - 1) if 0 < number <= self.run.steps else None
        if found is None:
            raise UsageError(f"there is no step {number}.", f"This run has steps 1 to {self.run.steps}.")
        return StepRef(id=found, index=number - 1)

    # -- naming them --------------------------------------------------------------------------------------------

    def named(self, text: str, index: int | None = None) -> Draft:
        """The label of this call that is meant. index: a step that it covers, to tell two of one mode apart."""
        found = self._matching(text)
        if len(found) > 1 and index is not None:
            found = [draft for draft in found if draft.covers(index)] or found
        if not found:
            given = ", ".join(draft.spelled or draft.mode for draft in self.items) or "none"
            raise UsageError(f"there is no label {short(text, 80)!r} in this call (labels: {given}).")
        if len(found) > 1:
            raise UsageError(f"{short(text, 80)!r} names {len(found)} labels.", "Name it as MODE:FIRST-LAST.")
        return found[0]

    def _matching(self, text: str) -> list[Draft]:
        if exact := [draft for draft in self.items if text in (draft.spelled, draft.id)]:
            return exact
        if len(text) >= ID_PREFIX and (known := [draft for draft in self.items if draft.id.startswith(text)]):
            return known
        mode_text, numbers = split_range(text)
        try:
            book, mode = self.books.resolve(mode_text)
            wanted = (book.id, mode.slug)
        except UsageError:
            wanted = ("", mode_text)  # a suggestion's mode, whose codebook is not loaded
        return [
            draft
            for draft in self.items
            if wanted in ((draft.codebook.id, draft.mode), ("", draft.mode))
            and (numbers is None or numbers == (draft.first.index + 1, draft.last.index + 1))
        ]

    # -- what is said of them -----------------------------------------------------------------------------------

    def add_evidence(self, text: str) -> None:
        """--evidence LABEL:STEP:QUOTE"""
        match = _EVIDENCE.match(text)
        if match is None:
            raise UsageError(
                f"--evidence {short(text, 80)}: this is not LABEL:STEP:QUOTE.", "For example 2.6:13:rm -rf."
            )
        number, quote = int(match["step"]), match["quote"]
        step = self.step(number)
        draft = self.named(match["label"], step.index)
        texts = [part.text for part in catalog.step(self.store, self.run.no, step.index).step.parts]
        draft.evidence.append(locate(step, texts, quote))

    def set_root(self, text: str) -> None:
        """--root LABEL"""
        self.named(text).root_cause = True

    def set_cause(self, text: str) -> None:
        """--caused-by LABEL=LABEL"""
        effect_text, equals, cause_text = text.partition("=")
        if not (equals and effect_text.strip() and cause_text.strip()):
            raise UsageError(f"--caused-by {short(text, 80)}: this is not LABEL=LABEL.", "The effect stands first.")
        effect = self.named(effect_text.strip())
        cause = self._cause(cause_text.strip())
        if effect.caused_by not in (None, cause):
            raise UsageError(f"{effect.mode} has two causes.", "Name the one that it follows from directly.")
        effect.caused_by = cause

    def _cause(self, text: str) -> str:
        """A label of this call, or by its id one that the reviewer gave another chunk of this run."""
        if self._matching(text):
            return self.named(text).id
        others = [label for item in self.earlier if item.target.id != self.target.id for label in item.labels]
        found = [label.id for label in others if len(text) >= ID_PREFIX and label.id.startswith(text)]
        if len(found) == 1:
            return found[0]
        return self.named(text).id  # says what is wrong

    def check_causes(self) -> None:
        """Raises UsageError where causes contradict each other."""
        by_id = {draft.id: draft for draft in self.items}
        for draft in self.items:
            if draft.root_cause and draft.caused_by:
                raise UsageError(f"{draft.mode} cannot be the root and caused by another label.", "Say one of the two.")
            seen, place = {draft.id}, draft.caused_by
            while place in by_id:
                if place in seen:
                    raise UsageError(f"{draft.mode} would be its own cause.", "Leave one --caused-by out.")
                seen.add(place)
                place = by_id[place].caused_by


def split_range(text: str) -> tuple[str, tuple[int, int] | None]:
    """`2.6:12-13` as ("2.6", (12, 13)): mode and step numbers."""
    match = _RANGE.match(text)
    if match is None:
        return text, None
    return match["mode"], (int(match["first"]), int(match["last"] or match["first"]))


def locate(step: StepRef, texts: list[str], quote: str) -> Evidence:
    """The quote's first place in the step. Raises UsageError if no part has it.

    A quote copied from the screen has visible marks where the run has control characters: it is found too, because the
    marks stand one for one, and the run's own characters are what is kept.
    """
    for shown in (str, clean_block):
        for part, text in enumerate(texts):
            start = shown(text).find(quote)
            if start >= 0:
                end = start + len(quote)
                return Evidence(step=step, part=part, start=start, end=end, quote=text[start:end])
    raise UsageError(
        f"step {step.index + 1} does not say {short(quote, 80)!r}.",
        "Quote it letter by letter, from one part of the step.",
    )


def _claim(label: Draft | Label) -> tuple[str, str, str, str]:
    return label.codebook.id, label.mode, label.first.id, label.last.id


def _steps_of(draft: Draft) -> str:
    return steps_text(draft.first.index, draft.last.index)

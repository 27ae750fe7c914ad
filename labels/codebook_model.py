"""What a codebook is made of, as pydantic models: modes, categories, examples, crosswalks.

All of it is frozen. Text is normalised on the way in (prose is re-flowed, transcripts keep their lines), so that
wrapping a line differently in the TOML file leaves the content, and so the hash, as it was.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from labels.codebook_ref import CodebookRef
from labels.toml_file import FaultError
from sessions.jsontext import canonical, loads

#: Control characters (tab and newline aside), bidirectional overrides, surrogates: nothing a codebook needs.
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def _plain(text: str) -> str:
    bad = _FORBIDDEN.search(text)
    if bad:
        raise ValueError(f"holds the control character U+{ord(bad.group()):04X}; take it out")
    return text


def _one_line(text: str) -> str:
    return " ".join(_plain(text).split())


def _prose(text: str) -> str:
    """Paragraphs re-flowed to one line each, a blank line between them."""
    paragraphs = (" ".join(part.split()) for part in re.split(r"\n\s*\n", _plain(text)))
    return "\n\n".join(part for part in paragraphs if part)


def _transcript(text: str) -> str:
    """Lines kept, without the trailing blanks and the empty lines around them."""
    return "\n".join(line.rstrip() for line in _plain(text).split("\n")).strip("\n")


def _not_empty(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty; write some text")
    return text


def _from_text(value: Any) -> Any:
    return {"text": value} if isinstance(value, str) else value


Line = Annotated[str, Field(max_length=300), AfterValidator(_one_line)]
FilledLine = Annotated[Line, AfterValidator(_not_empty)]
Prose = Annotated[str, Field(max_length=20_000), AfterValidator(_prose)]
FilledProse = Annotated[Prose, AfterValidator(_not_empty)]
Transcript = Annotated[str, Field(max_length=20_000), AfterValidator(_transcript), AfterValidator(_not_empty)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=80)]
#: A mode of this codebook by slug, or one of another as `slug@codebook`.
Pointer = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*(@[a-z][a-z0-9]*(-[a-z0-9]+)*)?$", max_length=170)
]
Code = Annotated[str, StringConstraints(pattern=r"^([0-9A-Za-z]+([._-][0-9A-Za-z]+)*)?$", max_length=16)]
Version = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z.+_-]*$", max_length=40)]
SeverityClass = Literal["fatal", "recoverable", "unclear"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Category(_Frozen):
    """A group of modes."""

    id: Annotated[Code, AfterValidator(_not_empty)]
    name: FilledLine
    description: Prose = ""


class WhenNot(_Frozen):
    """A case in which a mode does not apply; `instead` names the mode that does, where there is one."""

    text: FilledProse
    instead: Pointer | None = None


class Example(_Frozen):
    """A short transcript and why the mode applies to it (or, as a near miss, why it does not)."""

    text: Transcript
    why: FilledProse
    instead: Pointer | None = None


class Severity(_Frozen):
    """What to expect of a mode before this system has measured anything itself."""

    level: SeverityClass = Field(default="unclear", alias="class")
    source: Prose = ""
    note: Prose = ""


class Mode(_Frozen):
    """One failure mode. The slug is its identity, the code is only shown."""

    slug: Slug
    code: Code = ""
    name: FilledLine
    category: str = ""
    definition: FilledProse
    when: tuple[FilledProse, ...] = Field(default=(), max_length=50)
    when_not: tuple[Annotated[WhenNot, BeforeValidator(_from_text)], ...] = Field(default=(), max_length=50)
    example: Example | None = None
    near_miss: Example | None = None
    severity: Severity = Severity()
    stage: Line = ""
    aliases: tuple[FilledLine, ...] = Field(default=(), max_length=50)
    note: Prose = ""

    @property
    def label(self) -> str:
        """Code and name as people read them."""
        return f"{self.code} {self.name}".strip()

    def pointers(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Every mode this one points to, with the place of the pointer."""
        for index, case in enumerate(self.when_not):
            if case.instead:
                yield ("when_not", index, "instead"), case.instead
        for field in ("example", "near_miss"):
            example = getattr(self, field)
            if example and example.instead:
                yield (field, "instead"), example.instead


class CrosswalkEntry(_Frozen):
    """What a mode of another codebook is here: one or more slugs, or nothing (then `reason` says why)."""

    number: Line = ""
    name: FilledLine
    to: tuple[Slug, ...] = Field(default=(), max_length=20)
    reason: Prose = ""
    related: tuple[Slug, ...] = Field(default=(), max_length=20)

    @property
    def label(self) -> str:
        return f"{self.number} {self.name}".strip()


class Crosswalk(_Frozen):
    """A table from another codebook (or another numbering of this one) to the slugs of this one."""

    origin: Slug = Field(alias="from")
    title: FilledLine
    covers: tuple[FilledLine, ...] = ()
    note: Prose = ""
    entries: tuple[CrosswalkEntry, ...] = Field(max_length=1000)

    @cached_property
    def _by_key(self) -> dict[str, CrosswalkEntry]:
        full = {fold(entry.label): entry for entry in self.entries}
        single: dict[str, list[CrosswalkEntry]] = {}
        for entry in self.entries:
            for key in {fold(entry.number), fold(entry.name)} - {""}:
                single.setdefault(key, []).append(entry)
        return {key: found[0] for key, found in single.items() if len(found) == 1} | full

    def find(self, text: str) -> CrosswalkEntry | None:
        """The entry for "<number> <name>", or for either alone where it is unique. Only the first line is read.

        A number and a name that belong to different entries find nothing: that is another numbering, not this one.
        """
        return self._by_key.get(fold(text.lstrip().split("\n", 1)[0]))


class Codebook(_Frozen):
    """A set of failure modes with everything that a reviewer needs to tell them apart."""

    id: Slug
    version: Version
    title: FilledLine
    source: Prose = ""
    categories: tuple[Category, ...] = Field(default=(), alias="category", max_length=100)
    modes: tuple[Mode, ...] = Field(alias="mode", min_length=1, max_length=1000)
    crosswalks: tuple[Crosswalk, ...] = Field(default=(), alias="crosswalk", max_length=100)

    @model_validator(mode="after")
    def _fits_together(self) -> Codebook:
        for fault in self._faults():
            raise fault
        return self

    def _faults(self) -> Iterator[FaultError]:
        yield from _repeated("category", "id", (item.id for item in self.categories))
        yield from _repeated("mode", "slug", (item.slug for item in self.modes))
        yield from _repeated("mode", "code", (item.code for item in self.modes))
        yield from _repeated("crosswalk", "from", (item.origin for item in self.crosswalks))
        yield from self._mode_faults()
        yield from self._crosswalk_faults()

    def _mode_faults(self) -> Iterator[FaultError]:
        slugs = {mode.slug for mode in self.modes}
        groups = {item.id for item in self.categories}
        for index, mode in enumerate(self.modes):
            if mode.category and mode.category not in groups:
                known = ", ".join(sorted(groups)) or "none are declared"
                yield FaultError(("mode", index, "category"), f"there is no category {mode.category!r} ({known})")
            if mode.code.casefold() in slugs - {mode.slug}:
                yield FaultError(("mode", index, "code"), f"the code {mode.code!r} is the slug of another mode")
            for loc, pointer in mode.pointers():
                if "@" not in pointer and pointer not in slugs:
                    yield FaultError(("mode", index, *loc), f"there is no mode {pointer!r} in this codebook")

    def _crosswalk_faults(self) -> Iterator[FaultError]:
        slugs = {mode.slug for mode in self.modes}
        for index, table in enumerate(self.crosswalks):
            seen: set[str] = set()
            for place, entry in enumerate(table.entries):
                loc = ("crosswalk", index, "entries", place)
                if not entry.to and not entry.reason:
                    yield FaultError(
                        (*loc, "reason"), f"{entry.label!r} maps to nothing without a reason; add `reason`"
                    )
                for slug in (*entry.to, *entry.related):
                    if slug not in slugs:
                        yield FaultError((*loc, "to"), f"{entry.label!r} maps to {slug!r}, which is no mode here")
                if fold(entry.label) in seen:
                    yield FaultError(loc, f"{entry.label!r} stands there twice")
                seen.add(fold(entry.label))

    @cached_property
    def hash(self) -> str:
        """sha256 over the canonical JSON of the content: the same for every way of writing it down."""
        return hashlib.sha256(self.canonical_json()).hexdigest()

    @property
    def ref(self) -> CodebookRef:
        return CodebookRef(self.id, self.version, self.hash)

    def canonical_json(self) -> bytes:
        """The content as a store keeps it beside the labels. Defaults are left out, so that a field which a later
        release of the program adds does not change the hash of a codebook that does not use it."""
        return canonical(self.model_dump(mode="json", by_alias=True, exclude_defaults=True))

    @classmethod
    def from_json(cls, data: bytes | str) -> Codebook:
        """The codebook that `canonical_json` wrote."""
        return cls.model_validate(loads(data))

    @cached_property
    def by_slug(self) -> dict[str, Mode]:
        return {mode.slug: mode for mode in self.modes}

    def category(self, id: str) -> Category | None:
        return next((item for item in self.categories if item.id == id), None)

    def crosswalk(self, name: str) -> Crosswalk | None:
        """The table from that codebook, by its id or by what it covers (a round, a file)."""
        wanted = fold(name)
        return next((t for t in self.crosswalks if wanted in {fold(t.origin), *map(fold, t.covers)}), None)

    def crosswalk_entries(self, slug: str) -> list[tuple[Crosswalk, CrosswalkEntry]]:
        """What the mode is called elsewhere."""
        return [(table, entry) for table in self.crosswalks for entry in table.entries if slug in entry.to]


def fold(text: str) -> str:
    """Text as compared for equality: case and spacing aside, typographic apostrophes made plain."""
    return " ".join(text.replace("’", "'").casefold().split())


def _repeated(table: str, field: str, values: Iterable[str]) -> Iterator[FaultError]:
    seen: set[str] = set()
    for index, value in enumerate(values):
        if value and value.casefold() in seen:
            yield FaultError((table, index, field), f"{value!r} is used twice; each {table} needs its own {field}")
        seen.add(value.casefold())

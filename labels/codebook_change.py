"""What differs between two states of a codebook, and what a codebook could do better."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from labels.codebook_model import Codebook, Mode, fold
from labels.codebook_ref import CodebookRef

#: A change of one of these can change what reviewers answer, so labels made before deserve a second look.
MEANING_FIELDS = frozenset({"definition", "when", "when_not", "example", "near_miss"})
SHORT_DEFINITION_WORDS = 8


@dataclass(frozen=True)
class CodebookChange:
    """From one state of a codebook to another, by slug.

    renamed: slug -> (old name, new name). changed: slug -> the other fields that differ.
    about: fields of the codebook itself that differ (title, source, category, crosswalk, order).
    """

    old: CodebookRef
    new: CodebookRef
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    renamed: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    changed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    about: tuple[str, ...] = ()

    @property
    def affected(self) -> frozenset[str]:
        """Slugs whose existing labels need a look: the mode is gone, or what it means was rewritten."""
        rewritten = {slug for slug, fields in self.changed.items() if MEANING_FIELDS & set(fields)}
        return frozenset(rewritten | set(self.removed))

    @property
    def unversioned(self) -> bool:
        """The content changed and the version did not."""
        return (self.old.id, self.old.version) == (self.new.id, self.new.version) and self.old.sha256 != self.new.sha256

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.renamed or self.changed or self.about)


def diff(old: Codebook, new: Codebook) -> CodebookChange:
    """What happened between the two; modes are matched by slug."""
    shared = [mode.slug for mode in new.modes if mode.slug in old.by_slug]
    pairs = [(slug, old.by_slug[slug], new.by_slug[slug]) for slug in shared]
    changed = {slug: _fields(before, after) for slug, before, after in pairs}
    return CodebookChange(
        old=old.ref,
        new=new.ref,
        added=tuple(mode.slug for mode in new.modes if mode.slug not in old.by_slug),
        removed=tuple(mode.slug for mode in old.modes if mode.slug not in new.by_slug),
        renamed={slug: (before.name, after.name) for slug, before, after in pairs if before.name != after.name},
        changed={slug: fields for slug, fields in changed.items() if fields},
        about=tuple(_about(old, new, shared)),
    )


def _fields(old: Mode, new: Mode) -> tuple[str, ...]:
    names = (name for name in Mode.model_fields if name not in {"slug", "name"})
    return tuple(name for name in names if getattr(old, name) != getattr(new, name))


def _about(old: Codebook, new: Codebook, shared: list[str]) -> Iterator[str]:
    for name, info in Codebook.model_fields.items():
        if name not in {"version", "modes"} and getattr(old, name) != getattr(new, name):
            yield info.alias or name
    if [mode.slug for mode in old.modes if mode.slug in new.by_slug] != shared:
        yield "order"


def check(codebook: Codebook) -> list[str]:
    """Warnings, one line each: nothing that stops the codebook from working, but reviewers will disagree more."""
    found = [line for mode in codebook.modes for line in _mode_warnings(codebook, mode)]
    if not codebook.source:
        found.append("the codebook names no source: say who wrote it, or where it comes from.")
    return found + list(_overlaps(codebook))


def _mode_warnings(codebook: Codebook, mode: Mode) -> Iterator[str]:
    if len(mode.definition.split()) < SHORT_DEFINITION_WORDS:
        yield f"{mode.slug}: the definition has fewer than {SHORT_DEFINITION_WORDS} words."
    if mode.example is None:
        yield f"{mode.slug}: there is no example; add [mode.example]."
    if mode.near_miss is None:
        yield f"{mode.slug}: there is no near miss; add [mode.near_miss]: it spares reviewers a guess."
    if not mode.when:
        yield f"{mode.slug}: nothing says when it applies; add `when`."
    if not mode.when_not:
        yield f"{mode.slug}: nothing says when it does not apply; add `when_not`."
    if codebook.categories and not mode.category:
        yield f"{mode.slug}: it is in no category."


def _overlaps(codebook: Codebook) -> Iterator[str]:
    owners: dict[str, str] = {}
    for mode in codebook.modes:
        for text in dict.fromkeys((mode.slug, mode.name, mode.code, *mode.aliases)):
            key = fold(text)
            owner = owners.setdefault(key, mode.slug) if key else mode.slug
            if owner != mode.slug:
                yield f"{mode.slug}: {text!r} also names {owner}; only the slug tells them apart."

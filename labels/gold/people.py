"""Who is who in a gold set: pseudonyms, and several names of one person.

A pseudonym is a hash of the salt and the name: the same person has the same one in every release made with that salt,
on every machine. It hides a name from a reader, not from somebody who tries names out. Two names of one person are one
annotator where that is said (`--same ANN=ann.smith`): otherwise one person would vote twice.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from hashlib import sha256

from sessions.errors import UsageError
from sessions.store import Store

#: The salt of splits and pseudonyms where none is given.
SALT = "review-tui"


@dataclass(frozen=True, slots=True)
class People:
    """same: a name -> the name under which the person counts. named: names instead of pseudonyms."""

    salt: str = SALT
    same: Mapping[str, str] = field(default_factory=dict)
    named: bool = False

    def of(self, name: str) -> str:
        """What an annotator is called in a release."""
        name = self.same.get(name, name)
        if self.named:
            return name
        key = f"annotator/1 {self.salt}\n{name}".encode("utf-8", "surrogatepass")
        return f"annotator-{sha256(key).hexdigest()[:10]}"


def same_of(pairs: Iterable[str]) -> dict[str, str]:
    """`A=B` says that A and B are one person: each name -> the first of its group in the order of the alphabet.

    Raises UsageError for a pair that is none.
    """
    group: dict[str, set[str]] = {}
    for pair in pairs:
        left, equals, right = pair.partition("=")
        if not equals or not left.strip() or not right.strip():
            raise UsageError(f"{pair!r:.80} does not say who is the same.", "Write --same NAME=OTHER-NAME.")
        joined = group.get(left, {left}) | group.get(right, {right})
        for name in joined:
            group[name] = joined
    return {name: min(names) for name, names in group.items()}


def look_alikes(store: Store, same: Mapping[str, str]) -> list[tuple[str, ...]]:
    """Reviewers' names that differ only in case, spaces or punctuation: perhaps one person, who would vote twice."""
    return alike(reviewers(store), same)


def alike(names: Iterable[str], same: Mapping[str, str]) -> list[tuple[str, ...]]:
    """The same of these names. same: those that are known to be one person's already."""
    groups: dict[str, set[str]] = {}
    for name in names:
        folded = "".join(char for char in name.casefold() if char.isalnum()) or name
        groups.setdefault(folded, set()).add(same.get(name, name))
    return sorted(tuple(sorted(group)) for group in groups.values() if len(group) > 1)


def note_on(names: Sequence[str]) -> str:
    """What to tell people of names that look alike."""
    first, *others = names
    options = " ".join(f"--same {shlex.quote(f'{first}={other}')}" for other in others)
    return (
        f"{' and '.join(map(repr, names))} look like one name and may be one person, who then votes twice. If so:"
        f" {options}"
    )


def reviewers(store: Store) -> set[str]:
    """Everybody who has decided anything."""
    return {str(row[0]) for row in store.query("SELECT DISTINCT reviewer FROM decision")}


def nobodies(known: Set[str], names: Iterable[str]) -> list[str]:
    """Notes on names that nobody has."""
    return [f"no reviewer here is called {name!r:.90}." for name in sorted(set(names) - known)]

"""What a merge brought, or would bring."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Chain:
    """The events of one database of origin. had: how many were here. new: how many came."""

    origin: str
    had: int
    new: int


@dataclass(slots=True)
class Merged:
    """runs_*: ids (as they are here) of runs that were copied, that were here with the same content, and that had grown
    there. voted: chunks on which what came stands beside another reviewer's decision. twice: decisions of one reviewer
    name that two databases hold, neither knowing of the other. notes: what was left out and why, one line each."""

    path: str
    origin: str
    dry_run: bool
    runs_new: list[str] = field(default_factory=list)
    runs_joined: list[str] = field(default_factory=list)
    runs_grown: list[str] = field(default_factory=list)
    chains: list[Chain] = field(default_factory=list)
    suggestions: int = 0
    codebooks: int = 0
    queues: int = 0
    decisions: int = 0
    voted: int = 0
    twice: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def events(self) -> int:
        """How many events came."""
        return sum(chain.new for chain in self.chains)

"""Which codebook a label was made with: id, version and content hash. Light, because every label carries one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class CodebookRef:
    """Identity of one state of a codebook. `sha256` tells two states apart even where nobody raised the version."""

    id: str
    version: str
    sha256: str

    def __str__(self) -> str:
        return f"{self.id} {self.version} ({self.sha256[:12]})"

"""Codebooks that outside votes refer to. They come with the program and are not loaded by default: each further one in
use would change what "none" means and what the picker offers."""

from __future__ import annotations

from functools import cache

from labels.codebook import BUILT_IN, Codebook, load

OUTSIDE = BUILT_IN / "outside"
ATTRIBUTION, AGENTRX, OUTCOME = "attribution", "agentrx", "outcome"


@cache
def outside(name: str) -> Codebook:
    """The codebook of that id. Raises UserError if its file is not there."""
    return load(OUTSIDE / f"{name}.toml")


def outside_ids() -> list[str]:
    """Ids of these codebooks."""
    return sorted(path.stem for path in OUTSIDE.glob("*.toml"))

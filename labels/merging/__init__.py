"""Merging: one database takes in what another one has, so that people who worked apart have one set of votes.

Events are taken over as they are, chain beside chain; runs are joined by their content. Merging is idempotent and its
result does not depend on the order of merges. All of the other file is checked before anything is written: a damaged or
forged one is refused. What people said differently stays as votes; nothing is overwritten.
"""

from labels.merging.merge import merge
from labels.merging.report import Chain, Merged

__all__ = ["Chain", "Merged", "merge"]

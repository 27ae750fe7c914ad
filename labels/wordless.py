"""Annotators of corpora who ticked boxes and wrote nothing: what stands as a note beside their answers says where the
answers come from, in the importer's words."""

from __future__ import annotations

from labels.glance import OUTSIDE_PREFIX

MAST_ANNOTATOR = "mast-annotator-"
MAST_JUDGE = "mast-judge (model)"
TAU_REWARD = "tau-bench-reward"


def wordless(reviewer: str) -> bool:
    """Whether notes under this name are the importer's own words. reviewer: with the prefix of outside annotators."""
    name = reviewer.removeprefix(OUTSIDE_PREFIX)
    return name != reviewer and (name.startswith(MAST_ANNOTATOR) or name in (MAST_JUDGE, TAU_REWARD))

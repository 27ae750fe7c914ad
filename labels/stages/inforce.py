"""Which stages a run goes through: read once, and again when the file changes.

The operator says so, never the agent: $REVIEW_TUI_STAGES names a file for every run that is gated with it set, and
otherwise `[[stages]]` in the policy names one for the runs and agents that it says. As with a policy, a file in the
agent's workspace is refused.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from labels.policies import inforce
from labels.policies.globs import any_fits
from labels.policies.inforce import TAG, InForce, refuse_inside
from labels.stages.model import STAGES, Stages
from sessions.errors import UserError

STAGES_VARIABLE = "REVIEW_TUI_STAGES"


class Declared(NamedTuple):
    """Stages in force. tag: of the file's content."""

    stages: Stages
    path: Path
    tag: str


class StagesError(UserError):
    """The stages that were named cannot be used."""


def stages_for(run: str, agent: str, workspace: str | None) -> Declared | None:
    """The stages of a run, by the agent's name of it; None for none.

    Raises StagesError for a file of stages that cannot be used, UserError for a policy that cannot, which may name one.
    """
    path = _named_by_variable() or _named_by_policy(inforce.in_force(workspace), run, agent)
    if path is None:
        return None
    try:
        status = path.stat()
        refuse_inside(path, workspace, "file of stages")
        return _read(path, status.st_mtime_ns, status.st_size, status.st_ino, status.st_ctime_ns)
    except OSError as error:
        raise StagesError(f"cannot read the stages {path}: {error.strerror}.", "Put the file back.") from None
    except UserError as error:
        raise StagesError(error.message, error.hint) from None


def stages_files(rules: InForce) -> tuple[Path, ...]:
    """Every file of stages that is named anywhere."""
    by_policy = [_beside(rules, item.file) for item in rules.policy.stages]
    named = _named_by_variable()
    return tuple([named, *by_policy] if named else by_policy)


def _named_by_variable() -> Path | None:
    named = os.environ.get(STAGES_VARIABLE)
    return Path(named).expanduser().absolute() if named else None


def _named_by_policy(rules: InForce, run: str, agent: str) -> Path | None:
    for item in rules.policy.stages:
        if (not item.runs or any_fits(item.runs, run)) and (not item.agents or any_fits(item.agents, agent)):
            return _beside(rules, item.file)
    return None


def _beside(rules: InForce, file: str) -> Path:
    """A file that the policy names, from the policy's folder."""
    assert rules.path is not None, "an empty policy names no files"
    return rules.path.parent / Path(file).expanduser()


@lru_cache(maxsize=32)
def _read(path: Path, *_stamp: int) -> Declared:
    stages = STAGES.read(path)
    return Declared(stages, path, stages.hash[:TAG])

"""The policy in force: which file it is, read once and again when it changes.

It is the user's own file: $REVIEW_TUI_POLICY, or `policy.toml` in the configuration folder. Never one that lies in the
agent's workspace, where the agent could write it. Without a file the policy is an empty one; a file that was named and
is not there, or cannot be used, is an error, and holds gates.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from labels.policies import paths
from labels.policies.model import POLICY, Policy
from sessions.errors import UserError
from sessions.gate_checks import CheckResult

POLICY_VARIABLE = "REVIEW_TUI_POLICY"
#: Of the policy's hash, so much stands with the rules that decided.
TAG = 12


class InForce(NamedTuple):
    """path: where it stands, None without a file. tag: of its content, "" without a file."""

    policy: Policy
    path: Path | None
    tag: str

    def signed(self, result: CheckResult) -> CheckResult:
        """What one of its rules says, with the content that the rule was read from, as decisions record it:
        `reads@3f2a9c1b7d04`."""
        return result._replace(rule=f"{result.rule}@{self.tag}")


EMPTY = InForce(Policy(), None, "")


def policy_path() -> Path:
    """Where the policy of this user stands; the file need not exist."""
    if named := os.environ.get(POLICY_VARIABLE):
        return Path(named).expanduser().absolute()
    return _default_path(os.environ.get("XDG_CONFIG_HOME"), os.environ.get("HOME"))


@lru_cache(maxsize=8)
def _default_path(_config: str | None, _home: str | None) -> Path:
    """The configuration folder's, which depends on these variables."""
    from platformdirs import user_config_path

    return user_config_path("review-tui", appauthor=False) / "policy.toml"


def in_force(workspace: str | None = None) -> InForce:
    """The policy that holds for a gate of an agent in this workspace. Raises UserError for one that cannot be used."""
    path = policy_path()
    try:
        status = path.stat()
    except FileNotFoundError:
        if os.environ.get(POLICY_VARIABLE):
            raise UserError(
                f"there is no {path}, which ${POLICY_VARIABLE} names.", "Put it back, correct the name or unset it."
            ) from None
        return EMPTY
    except OSError as error:
        raise UserError(f"cannot read the policy {path}: {error.strerror}.", "Check the path.") from None
    refuse_inside(path, workspace, "policy")
    return _read(path, status.st_mtime_ns, status.st_size, status.st_ino, status.st_ctime_ns)


@lru_cache(maxsize=16)
def _read(path: Path, *_stamp: int) -> InForce:
    policy = POLICY.read(path)
    return InForce(policy, path, policy.hash[:TAG])


def refuse_inside(path: Path, workspace: str | None, what: str) -> None:
    """Raises UserError where a file that binds the agent lies in the workspace, where it can be written."""
    if workspace is None:
        return
    file, folder = paths.resolve(str(path), None), paths.resolve(workspace, None)
    if file is None or folder is None:
        return
    for inner in file.both:
        if any(inner.startswith(f"{outer.rstrip('/')}/") for outer in folder.both):
            raise UserError(
                f"the {what} {path} lies in the agent's workspace, where the agent can change it.",
                "Move it out, and name it from there.",
            )

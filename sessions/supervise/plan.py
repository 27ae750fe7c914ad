"""What is to be run under review, how, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sessions.chunks import DEFAULT_POLICY

#: For the command's own gates: what to open them with.
RUN_VARIABLE, WORKSPACE_VARIABLE = "REVIEW_TUI_RUN", "REVIEW_TUI_WORKSPACE"
#: What this can do: hold the agent and take files back. See the package.
CAN = ("hold", "files")
#: Exit codes beside the command's own.
ROLLED_BACK, STOPPED, REJECTED, UNANSWERED = 10, 11, 12, 75
CODES: Mapping[str, int] = {"rollback": ROLLED_BACK, "stop": STOPPED, "reject": REJECTED}
#: How long a command may take to end when it is asked to, in seconds.
PATIENCE_S = 5.0
#: How long a command may work without anything to follow before it is held, in seconds.
GRACE_S = 60.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be run, and how. command: program and arguments. run: the name of the live run. task: what it is to
    do, None to take it from its session. chunks: the policy. session: the only session file to follow, None to find
    it. own_gates: the command opens its gates itself. snapshots: whether files are to go back; store: their folder.
    grace: seconds without anything to follow before the command is held."""

    command: Sequence[str]
    run: str
    agent: str
    workspace: Path
    task: str | None = None
    rules: Sequence[str] = ()
    chunks: str = DEFAULT_POLICY
    session: Path | None = None
    own_gates: bool = False
    snapshots: bool = True
    store: Path | None = None
    grace: float = GRACE_S
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """code: to exit with. brief: for who starts the agent again, "" if there is none. verdict: what ended it."""

    code: int
    brief: str = ""
    verdict: str | None = None

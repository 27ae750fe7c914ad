"""One call of the hook, from the bytes on its standard input to its exit code: whatever goes wrong, it blocks."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sessions.errors import UsageError, UserError

if TYPE_CHECKING:
    from sessions.adapters.claude_replies import Reply

#: Only this code blocks, to Claude Code.
BLOCKED = 2
MAX_BYTES = 64_000_000


class Asked(NamedTuple):
    """A call of the hook. event: the bytes on standard input. chunks: a policy, "" for the default. snapshots: folder
    of the snapshot store, "" for the user's own."""

    event: bytes
    db: str
    chunks: str = ""
    timeout_s: float | None = None
    on_rollback: str = "tell"
    snapshots: str = ""


class Printed(NamedTuple):
    """What the hook ends with. out is JSON in ASCII, or nothing; err one or more lines."""

    code: int
    out: bytes = b""
    err: str = ""


def call(asked: Asked, env: Mapping[str, str], gone: Callable[[], bool] = lambda: False) -> Printed:
    """Answer an event. Never raises. gone: whether who asked is there no more; then nobody is waited for."""
    try:
        reply = _reply(asked, env, gone)
        out = json.dumps(reply.output).encode() + b"\n" if reply.output is not None else b""
    except (UserError, UsageError) as error:
        return Printed(BLOCKED, err=f"review-tui: {error}")
    except BaseException as error:  # a hook that fails must not let the call through
        what = f"{type(error).__name__}: {error}"[:500]
        return Printed(BLOCKED, err=f"review-tui: something went wrong inside ({what}).")
    return Printed(BLOCKED, err=f"review-tui: {reply.reason}") if reply.code else Printed(0, out)


def _reply(asked: Asked, env: Mapping[str, str], gone: Callable[[], bool]) -> Reply:
    from sessions.jsontext import BadJson, loads

    if len(asked.event) > MAX_BYTES:
        raise UsageError(f"the event is larger than {MAX_BYTES // 1_000_000} MB.")
    try:
        event: Any = loads(asked.event)
    except BadJson as error:
        raise UsageError(f"the event is {error}.", "This command is called by Claude Code's hooks.") from None
    # A gate in a database that nobody looks at would wait for ever: it is made when the hooks are installed.
    if not os.path.exists(asked.db):
        raise UserError(f"there is no database {asked.db}.", "`review-tui hooks install claude-code --yes` makes it.")
    if _is_told_elsewhere(event):
        from sessions.adapters.claude_replies import SILENT

        return SILENT
    from sessions.adapters.claude_code import Options, respond
    from sessions.chunks import DEFAULT_POLICY
    from sessions.live.runs import open_database
    from sessions.pacing import policy_for_gates

    folder = Path(asked.snapshots) if asked.snapshots else None
    chunks = policy_for_gates(asked.chunks or DEFAULT_POLICY)
    with open_database(Path(asked.db)) as store:
        return respond(store, event, Options(chunks, asked.timeout_s, asked.on_rollback, folder, gone), env)


def _is_told_elsewhere(event: Any) -> bool:
    """What a call did is in the transcript: there is nothing to do, and no reason to load what would do it."""
    if not isinstance(event, dict) or event.get("hook_event_name") != "PostToolUse":
        return False
    path = event.get("transcript_path")
    return isinstance(path, str) and "\0" not in path and os.access(path, os.R_OK)

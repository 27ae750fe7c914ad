"""Claude Code's settings file: our hooks in it, beside whatever else stands there."""

from __future__ import annotations

import json
import os
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sessions.errors import UserError

#: event -> whether it has a matcher.
EVENTS: Mapping[str, bool] = {
    "SessionStart": False, "PreToolUse": True, "PostToolUse": True, "Stop": False, "SubagentStop": False,
    "SessionEnd": False,
}  # fmt: skip
#: How long Claude Code waits for a hook, in seconds: a week. Longer than 24 days is no time at all to it.
TIMEOUT_S = 7 * 24 * 3600
#: By this our entries are known.
MARK = "hook claude-code"


def user_file(env: Mapping[str, str]) -> Path:
    """The settings of the user, for all projects."""
    home = env.get("CLAUDE_CONFIG_DIR") or os.path.join(os.path.expanduser("~"), ".claude")
    return Path(home) / "settings.json"


def project_file(folder: Path) -> Path:
    """The user's own settings for a project: they name a program on this machine, so they are not for the team."""
    return folder / ".claude" / "settings.local.json"


def hook_command(program: Sequence[str], options: Sequence[str]) -> str:
    """The shell command of a hook (`hook_client` says what it is). Whatever ends it otherwise than well, blocks: only
    code 2 does, to Claude Code. program: what answers where no server does."""
    client = Path(__file__).with_name("hook_client.py")
    words = [sys.executable, "-I", "-S", str(client), "hook", "claude-code", *options, "--", *program]
    return f"{shlex.join(words)} || exit 2"


def load(path: Path) -> dict[str, Any]:
    """The settings in a file; {} if it is not there. Raises UserError for what is none: it is not touched then."""
    try:
        value = json.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not valid JSON ({error}).", "Mend it first; nothing was changed.") from None
    if not isinstance(value, dict) or not isinstance(value.get("hooks", {}), dict):
        raise UserError(f"{path} is not a settings file of Claude Code.", "Nothing was changed.")
    for entries in value.get("hooks", {}).values():
        if not isinstance(entries, list):
            raise UserError(f"{path} has hooks of a form that is not known.", "Nothing was changed.")
    return value


def with_hooks(settings: Mapping[str, Any], command: str) -> dict[str, Any]:
    """The settings with our hooks; those that were there before of ours are replaced, all else stays."""
    merged = without_hooks(settings)
    hooks = {**merged.get("hooks", {})}
    for event, matches in EVENTS.items():
        entry: dict[str, Any] = {"matcher": "*"} if matches else {}
        entry["hooks"] = [{"type": "command", "command": command, "timeout": TIMEOUT_S, "onFailure": "block"}]
        hooks[event] = [*hooks.get(event, []), entry]
    return {**merged, "hooks": hooks}


def without_hooks(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings without our hooks. What is empty then, and was not before, goes."""
    if "hooks" not in settings:
        return dict(settings)
    hooks: dict[str, Any] = {}
    for event, entries in settings["hooks"].items():
        left = [entry for entry in (_without(entry) for entry in entries) if entry is not None]
        if left or not entries:
            hooks[event] = left
    rest = {name: value for name, value in settings.items() if name != "hooks"}
    return {**rest, "hooks": hooks} if hooks or not settings["hooks"] else rest


def our_commands(settings: Mapping[str, Any]) -> dict[str, str]:
    """The events that our hooks are installed for, with their commands."""
    found: dict[str, str] = {}
    for event, entries in settings.get("hooks", {}).items():
        for entry in entries:
            for hook in _hooks_of(entry):
                if _is_ours(hook):
                    found[event] = hook["command"]
    return found


def weaknesses(settings: Mapping[str, Any]) -> list[str]:
    """What is wrong with our hooks as they are installed, one line each."""
    found = [f"there is no hook for {event}" for event in EVENTS if event not in our_commands(settings)]
    if settings.get("disableAllHooks"):
        found.append("disableAllHooks is set: no hook is called")
    for event, entries in settings.get("hooks", {}).items():
        for hook in (hook for entry in entries for hook in _hooks_of(entry) if _is_ours(hook)):
            if hook.get("onFailure") != "block":
                found.append(f"{event}: without onFailure block, a hook that fails lets the call through")
            timeout = hook.get("timeout")
            if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or timeout < 3600:
                found.append(f"{event}: timeout {timeout!r}: nobody would have time to decide")
    return found


def write(path: Path, settings: Mapping[str, Any]) -> Path | None:
    """Replace a settings file; the copy of what was there, None if nothing was. Raises UserError."""
    target = Path(os.path.realpath(path))  # a link stays one
    text = json.dumps(settings, indent=2, ensure_ascii=False) + "\n"
    backup: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        mode = 0o600
        if target.exists():
            mode = target.stat().st_mode & 0o777
            backup = target.with_name(f"{target.name}.{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.bak")
            _put(backup, target.read_bytes(), mode)
        temporary = target.with_name(f".{target.name}.{os.getpid()}")
        _put(temporary, text.encode(), mode)
        temporary.replace(target)
    except OSError as error:
        raise UserError(f"cannot write {target}: {error.strerror}.", "Nothing was changed.") from None
    return backup


def _put(path: Path, data: bytes, mode: int) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _without(entry: Any) -> Any:
    """An entry without our hooks; None if there is nothing else in it."""
    hooks = _hooks_of(entry)
    others = [hook for hook in hooks if not _is_ours(hook)]
    if len(others) == len(hooks):
        return entry
    return {**entry, "hooks": others} if others else None


def _hooks_of(entry: Any) -> list[Any]:
    hooks = entry.get("hooks") if isinstance(entry, dict) else None
    return hooks if isinstance(hooks, list) else []


def _is_ours(hook: Any) -> bool:
    command = hook.get("command") if isinstance(hook, dict) else None
    return isinstance(command, str) and MARK in command and "review" in command

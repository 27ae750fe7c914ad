"""`review-tui hooks check CLIENT`: call the installed hooks as the client would."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any, NamedTuple

import click

from review_tui.cli import output
from review_tui.cli.guard import DONE, FAILED
from review_tui.cli.hooks.common import client_argument, settings_file, where_options
from review_tui.cli.settings import json_option
from sessions.errors import UserError

#: A hook that takes longer before it even opens a gate is of no use.
LIMIT_S = 30.0


class Finding(NamedTuple):
    """What was tried, and whether it was well."""

    what: str
    good: bool
    said: str


@click.command("check")
@client_argument
@where_options
@json_option
def command(client: str, project: Path | None, user: bool, as_json: bool) -> int:
    """Call the hooks of CLIENT as they are installed: with a call to look at, which they must refuse, and with
    nonsense, which must block.

    Exits 0 if all is well, 1 if not. No gate is opened, and no call is made.
    """
    from sessions.adapters import claude_settings

    path = settings_file(project, user)
    installed = claude_settings.load(path)
    commands = claude_settings.our_commands(installed)
    if not commands:
        raise UserError(
            f"there are no hooks of review-tui in {path}.", f"`review-tui hooks install {client}` sets them up."
        )
    findings = [Finding("settings", False, weakness) for weakness in claude_settings.weaknesses(installed)]
    findings = findings or [Finding("settings", True, f"hooks for {', '.join(commands)}")]
    for shell in dict.fromkeys(commands.values()):
        findings += [_probe(shell), _nonsense(shell)]
    good = all(finding.good for finding in findings)
    if as_json:
        rows = [{"what": item.what, "ok": item.good, "said": item.said} for item in findings]
        output.emit("hooks-check", {"client": client, "path": str(path), "ok": good, "findings": rows})
    else:
        output.table([["ok" if item.good else "NOT WELL", item.what, item.said] for item in findings])
    return DONE if good else FAILED


def _probe(shell: str) -> Finding:
    """A call that is only there to be looked at: the hook must answer that it is denied, with a reason of its own."""
    from sessions.adapters.claude_code import PROBE_TOOL

    event = {
        "hook_event_name": "PreToolUse", "session_id": "review-tui-probe", "transcript_path": "", "cwd": "/",
        "tool_name": PROBE_TOOL, "tool_input": {}, "tool_use_id": "probe",
    }  # fmt: skip
    begun = time.perf_counter()
    code, out, err = _call(shell, json.dumps(event))
    took = f"{(time.perf_counter() - begun) * 1000:.0f} ms"
    try:
        said: Any = json.loads(out)["hookSpecificOutput"]
        denied = said["permissionDecision"] == "deny"
        reason = str(said["permissionDecisionReason"])
    except (ValueError, KeyError, TypeError):
        return Finding("a call", False, f"no answer (exit code {code}): {(err or out).strip()[:300]}")
    return Finding("a call", code == 0 and denied and "would be held" in reason, f"{reason} ({took})")


def _nonsense(shell: str) -> Finding:
    """What cannot be understood must block."""
    code, _, err = _call(shell, "this is no event")
    said = "blocks" if code == 2 else f"does NOT block: exit code {code}"
    return Finding("nonsense", code == 2, f"{said}. {err.strip()[:200]}")


def _call(shell: str, text: str) -> tuple[int, str, str]:
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", shell], input=text, capture_output=True, text=True, timeout=LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return -1, "", f"no answer within {LIMIT_S:g} s"
    except OSError as error:
        return -1, "", str(error)
    return done.returncode, done.stdout, done.stderr

"""What Claude Code's hooks are answered: a call is allowed, changed or denied, and the agent goes on or ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sessions.adapters.trail import Call
    from sessions.live.answer import Answer

#: Of a reason that is said twice, the second time.
_SAID_CHARS = 9_000


@dataclass(frozen=True, slots=True)
class Reply:
    """What Claude Code is answered. output: a JSON object for standard output, None for nothing. code: 0, or 2 with a
    reason on standard error: both block where they say so."""

    output: dict[str, Any] | None = None
    code: int = 0
    reason: str = ""


SILENT = Reply()


def allow(answer: Answer, call: Call) -> Reply:
    """The call may be made: as it is, or as the reviewer has changed it."""
    from sessions.adapters import rules
    from sessions.run import arguments_text

    said: dict[str, Any] = {"hookEventName": "PreToolUse", "permissionDecision": "allow"}
    said["permissionDecisionReason"] = f"approved by {answer.by} at gate {answer.gate}"
    if answer.message:
        said["additionalContext"] = f"The reviewer says: {answer.message}"
    if answer.edited is not None:
        (mine,), more = rules.paired([call], [_as_call(item) for item in answer.edited])
        if mine is None or more or mine.name != call.name or not isinstance(mine.arguments, dict):
            calls = "; ".join(f"{item.get('name')}: {arguments_text(item.get('arguments'))}" for item in answer.edited)
            return deny(f"{answer.by} approves other calls instead of this one. Make these: {calls or 'none'}.")
        said["updatedInput"] = mine.arguments
    return Reply({"hookSpecificOutput": said})


def deny(reason: str) -> Reply:
    said = {"hookEventName": "PreToolUse", "permissionDecision": "deny", "permissionDecisionReason": reason}
    return Reply({"hookSpecificOutput": said})


def end(reason: str, *, refuse: bool) -> Reply:
    """The agent ends. refuse: the call that was about to be made is refused, too."""
    output: dict[str, Any] = {"continue": False, "stopReason": reason}
    if refuse:
        output["hookSpecificOutput"] = {
            "hookEventName": "PreToolUse", "permissionDecision": "deny",
            "permissionDecisionReason": reason[:_SAID_CHARS],
        }  # fmt: skip
    return Reply(output)


def words(answer: Answer) -> str:
    """What the agent is told: the brief begins with the decision and the reviewer's words."""
    return answer.brief or answer.message or f"{answer.verdict} by {answer.by}"


def _as_call(item: Any) -> Call:
    from sessions.adapters.trail import Call

    given = item.get("arguments")
    return Call(str(item.get("name")), given if isinstance(given, dict) else {}, item.get("call_id"))

"""Who speaks in a chat message: the role names of chat formats mapped to actors and roles.

Several readers see the same runs in different wrappings (AgentRx's bare lists are Who&When's Hand-Crafted runs), so
the mapping is here once and equal messages get equal steps. Any role that is no chat role names an agent
(Magentic-One writes `WebSurfer`). A remark in parentheses behind it (`Orchestrator (thought)`,
`Orchestrator (-> WebSurfer)`) is no part of the actor's name, else every hand-off would look like a new actor; it
stays in `Part.name`, which is not hashed. The remark `thought` makes the part reasoning.
"""

from __future__ import annotations

import re

from sessions.run import DEFAULT_ACTOR, Part, Role

#: Roles that answer a call rather than speak for somebody.
TOOL_ROLES = ("tool", "function")
THOUGHT = "thought"
_REMARK = re.compile(r"(?P<actor>[^()]*[^()\s])\s*\((?P<remark>[^()]+)\)")


def actor_and_role(role: str, name: str | None = None) -> tuple[str, Role, str | None]:
    """Actor, role and the remark in parentheses (None without one) for a message's `role` and `name`.

    A `name` beside the roles user, assistant and tool is the actor; beside the others it says nothing more.
    """
    role, name = role.strip(), (name or "").strip()
    if role in ("system", "developer"):
        return DEFAULT_ACTOR["system"], "system", None
    if role == "user":
        return name or DEFAULT_ACTOR["user"], "user", None
    if role == "human":
        return DEFAULT_ACTOR["user"], "user", None
    if role == "assistant" or not role:
        return name or DEFAULT_ACTOR["agent"], "agent", None
    if role in TOOL_ROLES:
        return name or DEFAULT_ACTOR["environment"], "environment", None
    remark = _REMARK.fullmatch(role)
    if remark is None:
        return role, "agent", None
    return remark["actor"], "agent", remark["remark"].strip() or None


def message_parts(role: str, name: str | None, text: str) -> tuple[str, Role, list[Part]]:
    """Actor, role and the parts of a message that is nothing but text. An empty text is no part."""
    actor, step_role, remark = actor_and_role(role, name)
    if not text:
        return actor, step_role, []
    return actor, step_role, [Part("reasoning" if remark == THOUGHT else "text", text, name=remark)]

"""What a call does to the world, in the verbs in which people forbid things: delete, edit, commit, push, deploy ...

Coarse on purpose: it serves hints that hold a call against a sentence. How badly a command can hurt is judged by the
detector of irreversible actions.
"""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

from labels.detectors.calls import Call
from labels.detectors.shell_words import Simple

Deed: TypeAlias = Literal[
    "delete", "edit", "create", "commit", "push", "deploy", "restart", "install", "migrate", "network", "send"
]

_SQL: tuple[tuple[re.Pattern[str], Deed], ...] = (
    (re.compile(r"\b(?:drop\s+(?:table|database|schema|index|view|column)|truncate\s|delete\s+from)\b"), "delete"),
    (re.compile(r"\b(?:update\s+[\w.\"`\[\]]{1,100}\s+set|insert\s+(?:or\s+\w+\s+)?into|replace\s+into|merge\s+into)\b"),
     "edit"),
    (re.compile(r"\b(?:alter\s+table|create\s+(?:table|index|view|database))\b"), "migrate"),
)  # fmt: skip
_SQL_WORDS = ("drop", "truncate", "delete", "update", "insert", "replace", "merge", "alter", "create")
_GIT: dict[str, Deed] = {"commit": "commit", "push": "push", "rm": "delete", "clean": "delete"}
_PACKAGERS = frozenset("pip pip3 npm yarn pnpm bun gem cargo brew apt apt-get dnf yum apk conda poetry uv go".split())
_INSTALLING = frozenset("install add i get".split())
_SERVICES = frozenset("systemctl service supervisorctl pm2".split())
_RELEASERS = frozenset("npm yarn pnpm cargo twine docker gem".split())
_DEPLOYERS = frozenset("helm terraform tofu pulumi vercel netlify fly flyctl serverless cdk".split())
_DEPLOYERS_DO: dict[str, Deed] = {
    **dict.fromkeys(("install", "upgrade", "apply", "up", "deploy", "rollback"), "deploy"),
    **dict.fromkeys(("uninstall", "destroy", "delete"), "delete"),
}
#: Programs that do one thing, whatever follows.
_ALONE: dict[str, Deed] = {
    **dict.fromkeys(("rm", "rmdir", "unlink", "shred"), "delete"),
    **dict.fromkeys(("reboot", "shutdown"), "restart"),
    **dict.fromkeys(("curl", "wget", "http"), "network"),
    **dict.fromkeys(("mail", "sendmail", "mutt"), "send"),
}
_MIGRATIONS = re.compile(r"\b(?:alembic upgrade|db upgrade|db:migrate|migrate (?:dev|deploy|up)|manage\.py migrate)\b")
_DEPLOYING = re.compile(r"(?:^|[/_.-])deploy(?:ment)?(?:[_.-]|$)")
_TOOL_PREFIX: tuple[tuple[tuple[str, ...], Deed], ...] = (
    (("delete", "remove", "drop", "cancel", "purge", "destroy"), "delete"),
    (("update", "modify", "edit", "set_", "change", "rename", "move", "patch", "exchange", "return_"), "edit"),
    (("create", "add_", "insert", "book", "new_"), "create"),
    (("send", "email", "post_message", "notify", "reply"), "send"),
    (("deploy", "publish", "release", "rollout"), "deploy"),
    (("restart", "reboot", "scale"), "restart"),
    (("web", "fetch", "browse", "browser", "http", "download"), "network"),
)


def deeds_of(call: Call) -> frozenset[Deed]:
    """What a call does, as far as its name and its command tell."""
    found: set[Deed] = set()
    for one in call.simple:
        found |= _shell(one)
    if runs_sql(call):
        found |= sql_deeds(call.command or call.text)
    if "write" in call.acts:
        found |= _written(call)
    elif not call.command:
        found |= {deed for starts, deed in _TOOL_PREFIX if call.tool.startswith(starts)}
    return frozenset(found)


def runs_sql(call: Call) -> bool:
    """Whether SQL in a call would be executed: in a search pattern, a message or a file that is written it is not."""
    if not call.simple:
        return bool(call.command) or "sql" in call.tool or "query" in call.tool
    return "run" in call.acts or any("-c" in one.words or (one.here and not one.outputs) for one in call.simple)


def _written(call: Call) -> set[Deed]:
    if call.tool.endswith("apply_patch") or call.tool == "apply_patch":
        kinds: tuple[tuple[str, Deed], ...] = (("Add", "create"), ("Update", "edit"), ("Delete", "delete"))
        return {deed for word, deed in kinds if f"*** {word} File:" in call.text} or {"edit"}
    if call.tool.startswith(("delete", "remove")):
        return {"delete"}
    if call.tool.startswith(("create", "write", "new")):
        return {"create"}
    if call.simple and not any(one.program in ("sed", "perl", "edit", "patch", "git") for one in call.simple):
        return {"create"}
    return {"edit"}


def sql_deeds(text: str) -> set[Deed]:
    """What SQL in a text does. The verbs are looked for first, because most texts have none."""
    lower = text[:20_000].lower()
    if not any(word in lower for word in _SQL_WORDS):
        return set()
    return {deed for pattern, deed in _SQL if pattern.search(lower) is not None}


def _shell(one: Simple) -> set[Deed]:
    name, words = one.program, one.arguments
    found = _by_program(name, words)
    if name == "find" and "-delete" in one.words:
        found.add("delete")
    if _MIGRATIONS.search(" ".join((name, *words[:6]))) is not None:
        found.add("migrate")
    if _DEPLOYING.search(name) is not None or (name == "make" and "deploy" in words):
        found.add("deploy")
    return found


def _by_program(name: str, words: tuple[str, ...]) -> set[Deed]:
    if name in _ALONE:
        return {_ALONE[name]}
    if name == "git":
        return {_GIT[word] for word in words[:3] if word in _GIT}
    if name == "kubectl":
        return _cluster(words)
    found: set[Deed] = set()
    if name in _PACKAGERS and any(word in _INSTALLING for word in words[:2]):
        found.add("install")
    if name in _SERVICES and any(word in ("restart", "stop", "start", "reload") for word in words):
        found.add("restart")
    if name in _RELEASERS and any(word in ("publish", "upload", "push") for word in words[:1]):
        found.add("deploy")
    if name in _DEPLOYERS:
        found |= {_DEPLOYERS_DO[word] for word in words[:1] if word in _DEPLOYERS_DO}
    return found


def _cluster(words: tuple[str, ...]) -> set[Deed]:
    if "delete" in words[:4]:
        return {"delete"}
    if "rollout" in words[:4]:
        return {"restart"} if "restart" in words else {"deploy"} if "undo" in words else set()
    if any(word in ("apply", "create", "replace", "set") for word in words[:4]):
        return {"deploy", "edit"}
    return {"edit"} if any(word in ("patch", "edit", "scale", "label", "annotate") for word in words[:4]) else set()

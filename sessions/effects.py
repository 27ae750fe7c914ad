"""What a tool call changes in the world, judged from its name and arguments: for the `effects` chunk policy.

A coarse first look, made once for every call of a run while it is imported: it asks only whether something outside
the conversation is changed, not how badly. Reads are not effects; an unknown tool is not one either.
"""

from __future__ import annotations

import re
from typing import Any

#: Tools whose very name says that they write. Compared with the last word-like piece of the name, lower case.
_WRITERS = frozenset(
    "write edit multiedit notebookedit apply_patch create_file write_file edit_file str_replace insert_lines delete "
    "delete_file remove move rename update insert submit send send_email send_message post publish deploy commit push "
    "merge book cancel purchase pay transfer refund upload".split()
)
_WRITING_PREFIX = re.compile(
    r"^(?:write|edit|create|delete|remove|update|insert|send|post|put|publish|deploy|push|merge|book|cancel|modify|"
    r"exchange|return|purchase|pay|transfer|refund|upload|restart|scale|rollback|execute_sql_write)[_A-Z-]"
)
_SHELLS = frozenset(
    "bash shell sh exec exec_command execute_bash run_command terminal local_shell run_shell command "
    "bash_command execute_command shell_command".split()
)
_COMMAND = re.compile(
    r"(?:^|[;&|(\n]|\bsudo\s|\bxargs\s)\s*(?:"
    r"(?:rm|mv|cp|mkdir|rmdir|touch|ln|chmod|chown|truncate|dd|tee|install|patch|kill|pkill|shutdown|reboot)\b"
    r"|sed\s+(?:-\w+\s+)*-i|perl\s+-\w*i"
    r"|git\s+(?:-C\s+\S+\s+)?(?:add|commit|push|reset|checkout|switch|merge|rebase|clean|stash|tag|rm|mv|restore|apply|am)\b"
    r"|kubectl\s+(?:-\S+\s+(?:[^-\s]\S*\s+)?)*(?:apply|delete|create|patch|edit|scale|rollout|set|replace|annotate|label|cordon|drain|exec)\b"
    r"|helm\s+(?:-\S+\s+(?:[^-\s]\S*\s+)?)*(?:install|upgrade|uninstall|rollback)\b|terraform\s+(?:apply|destroy|import|state)\b"
    r"|docker\s+(?:run|rm|rmi|stop|kill|build|push|exec|compose)\b|systemctl\s+(?:start|stop|restart|enable|disable)\b"
    r"|(?:pip|npm|yarn|pnpm|cargo|apt|apt-get|brew|gem|go)\s+(?:\w+\s+)?(?:install|uninstall|remove|add|publish|get)\b"
    r"|(?:curl|wget|http)\b[^|;\n]*\s(?:-X\s*(?:POST|PUT|PATCH|DELETE)|--data|-d\s|--upload-file|-T\s)"
    r"|crontab\s|(?:scp|rsync)\s)",
    re.MULTILINE,
)
_REDIRECT = re.compile(r"(?<![0-9&<>=-])[12&]?>{1,2}\s*(?!&|/dev/null|\(|=)[\w./~$\"'{-]")
_SQL = re.compile(
    r"\b(?:INSERT\s+INTO|UPDATE\s+[\w.\"`]+\s+SET|DELETE\s+FROM|DROP\s+\w+|TRUNCATE\b|ALTER\s+\w+|CREATE\s+(?:TABLE|INDEX"
    r"|DATABASE|USER|VIEW)|REPLACE\s+INTO|GRANT\s|REVOKE\s)",
    re.IGNORECASE,
)
#: Every match of `_COMMAND` holds one of the programs, or a tool and a verb; every match of `_SQL` one of its verbs.
#: Looking for words costs a tenth of either expression, and tells of most commands that they are harmless.
_PROGRAMS = frozenset(
    b"rm mv cp mkdir rmdir touch ln chmod chown truncate dd tee install patch kill pkill shutdown reboot sed perl pip "
    b"npm yarn pnpm cargo apt brew gem go curl wget http crontab scp rsync".split()
)
_TOOLS = frozenset(b"git kubectl helm terraform docker systemctl".split())
_TOOLS_VERBS = frozenset(
    b"add commit push reset checkout switch merge rebase clean stash tag rm mv restore apply am delete create patch "
    b"edit scale rollout set replace annotate label cordon drain exec install upgrade uninstall rollback destroy "
    b"import state run rmi stop kill build compose start restart enable disable".split()
)
_SQL_VERBS = frozenset(b"insert update delete drop truncate alter create replace grant revoke".split())
#: Makes ASCII letters small, and blanks of whatever belongs to no word.
_TO_WORDS = bytes(ord(chr(c).lower()) if chr(c).isalnum() or chr(c) == "_" else 32 for c in range(128)) + bytes(128)
_LOOK_AT = 20_000


def changes_world(name: str | None, arguments: Any, text: str) -> bool:
    """Whether a tool call writes, sends or deletes something.

    name: the tool's name. arguments: as in `Part.arguments`. text: as in `Part.text`; its first 20,000 characters
    are looked at, or those of the command that is among the arguments.
    """
    tool = (name or "").rsplit(".", 1)[-1].rsplit("__", 1)[-1]
    lower = tool.lower()
    if lower in _SHELLS or not lower:
        return command_changes_world(_command(arguments, text)[:_LOOK_AT])
    if lower in ("str_replace_editor", "str_replace_based_edit_tool"):
        return not (isinstance(arguments, dict) and arguments.get("command") == "view")
    if lower in _WRITERS or _WRITING_PREFIX.match(tool):
        return True
    if "sql" in lower or "query" in lower or "python" in lower:
        text = text[:_LOOK_AT]
        return _writes_sql(text, _words(text))
    return False


def _command(arguments: Any, text: str) -> str:
    """A shell's command, without the arguments beside it; of `["bash", "-lc", "ls"]` what the shell is to do."""
    value = arguments.get("command") or arguments.get("cmd") if isinstance(arguments, dict) else None
    if isinstance(value, list):
        words = [word for word in value if isinstance(word, str)]
        value = words[2] if len(words) == 3 and words[1] in ("-c", "-lc") else " ".join(words)
    return value if isinstance(value, str) else text


def command_changes_world(command: str) -> bool:
    """Whether a shell command changes files, services, repositories, databases or other machines."""
    words = _words(command)
    return (
        (_may_write(words) and _COMMAND.search(command) is not None)
        or (">" in command and _REDIRECT.search(command) is not None)
        or _writes_sql(command, words)
    )


def _words(text: str) -> list[bytes] | None:
    """The words of a text, in small letters; None where it is not ASCII, and its words are not told so simply."""
    return text.encode().translate(_TO_WORDS).split() if text.isascii() else None


def _may_write(words: list[bytes] | None) -> bool:
    return (
        words is None
        or not _PROGRAMS.isdisjoint(words)
        or not (_TOOLS.isdisjoint(words) or _TOOLS_VERBS.isdisjoint(words))
    )


def _writes_sql(text: str, words: list[bytes] | None) -> bool:
    return (words is None or not _SQL_VERBS.isdisjoint(words)) and _SQL.search(text) is not None

"""What a tool call would do, in any agent's format: shell, SQL, code and file tools, and tools that say it by name.

A tool is known by the last piece of its name (`mcp__db__execute_sql` is `execute_sql`), an unknown one by the names of
its arguments. An agent's own business (cancelling a reservation, deleting a user on request) is not judged: only names
that say that data or infrastructure goes (`drop_table`, `delete_database`, `purge_queue`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from labels.commands import judge
from labels.commands.call import Call, Redirect
from labels.commands.rules.base import Finding
from labels.commands.rules.tools import DELETES, RESETS
from labels.commands.verdict import ALLOWED, Verdict

_SHELLS = frozenset(
    "bash shell sh zsh exec exec_command execute_bash run_command run_commands terminal local_shell run_shell "
    "run_shell_command command "
    "bash_command execute_command shell_command run_terminal_cmd run_terminal_command run_in_terminal "
    "execute_shell execute_shell_command "
    "bash_tool cmd console mswea_bash_command write_stdin send_keys execute_bash_command bashtool "
    "terminal_execute powershell pwsh "
    "shell_exec run_bash bash_exec container_exec sandbox_exec ssh ssh_exec ssh_execute remote_exec run_script "
    "tmux".split()
)
_CODE = {
    **dict.fromkeys(
        "python ipython python_execute execute_python run_python python_repl python_tool execute_ipython_cell "
        "run_ipython jupyter "
        "jupyter_cell run_ipython_cell code_interpreter execute_code run_code ipython_cell notebook_execute "
        "execute_python_code py python3 "
        "python_code code_execution code_executor execute_jupyter_cell run_cell ipythontool pythontool".split(),
        "python",
    ),
    **dict.fromkeys("javascript node run_javascript execute_javascript js evaluate_script".split(), "node"),
}
_SQL_TOOL = re.compile(
    r"sql|(?:^|_)(?:query|queries)(?:_|$)|db_?(?:exec|query)|database_?(?:exec|query)|apply_migration|bigquery|snowflake|postgres|mysql|duckdb"
)
_READ_ONLY_TOOL = re.compile(r"(?:^|_)(?:read|get|list|search|describe|explain|show|view|fetch|find|lookup)(?:_|$)")
_EDITORS = frozenset(
    "str_replace_editor str_replace_based_edit_tool str_replace edit multiedit notebookedit notebook_edit "
    "apply_patch edit_file "
    "insert create replace_in_file search_replace edit_notebook think finish submit todowrite todo_write task "
    "agent".split()
)
_WRITERS = frozenset(
    "write write_file create_file write_to_file save_file file_write create overwrite_file put_file "
    "write_text_file".split()
)
_DELETE_FILE = frozenset(
    "delete_file remove_file rm delete_path unlink_file fs_delete file_delete remove_files delete_files "
    "deletefile".split()
)
_DELETE_FOLDER = frozenset(
    "delete_directory remove_directory delete_folder remove_folder rmdir rmtree delete_dir remove_dir "
    "recursive_delete".split()
)
_COMMAND_KEYS = (
    "command",
    "cmd",
    "commands",
    "shell_command",
    "bash",
    "script",
    "bash_command",
    "keystrokes",
    "command_line",
    "commandline",
    "chars",
    "keys",
)
_SQL_KEYS = ("sql", "query", "queries", "statement", "statements", "sql_query", "sqlquery", "ddl", "migration")
_CODE_KEYS = ("code", "script", "source", "python", "python_code", "cell", "program", "javascript")
_PATH_KEYS = (
    "path",
    "file_path",
    "filepath",
    "filename",
    "file",
    "paths",
    "files",
    "directory",
    "dir",
    "folder",
    "target",
    "target_file",
)
_FOLDER_KEYS = ("workdir", "cwd", "directory", "working_directory", "working_dir", "dir_path", "dir")
_SQL_START = re.compile(
    r"\s*(?:--[^\n]*\n\s*|/\*.*?\*/\s*)*(?:SELECT|INSERT|UPDATE|DELETE|DROP|TRUNCATE|ALTER|CREATE|WITH|BEGIN|MERGE|GRANT|"
    r"REVOKE|EXEC|DO|SET|USE|MATCH|EXPLAIN|CALL|DECLARE|REPLACE)\b",
    re.IGNORECASE | re.DOTALL,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SEPARATORS = re.compile(r"[^a-z0-9]+")
_MAX_TEXTS = 50


class CallText(NamedTuple):
    """Something in a call that is judged. kind: `shell`, `sql` or a language. words: an argv list, joined in text."""

    kind: str
    text: str
    words: tuple[str, ...] = ()


def judge_call(name: str | None, arguments: Any, text: str) -> Verdict:
    """See `labels.commands.judge_call`."""
    tool, fields = _tool(name or ""), _fields(arguments)
    cwd = _folder(fields)
    worst = ALLOWED
    for item in _texts(tool, fields, arguments, text):
        found = _judged(item, cwd)
        if found.severity > worst.severity:
            worst = _placed(found, item.text, text)
    by_name = _by_name(tool, name or "", fields, text, cwd)
    return by_name if by_name.severity > worst.severity else worst


def texts_of(name: str | None, arguments: Any, text: str) -> tuple[str, list[CallText], str | None]:
    """What a call is made of: its tool (small, underscores), what it gives to a shell, a database or an interpreter,
    and the folder that it names to run it in. name, arguments, text: as in `sessions.run.Part`."""
    tool, fields = _tool(name or ""), _fields(arguments)
    return tool, list(_texts(tool, fields, arguments, text)), _folder(fields)


def _fields(arguments: Any) -> Mapping[str, Any]:
    """The arguments by their names."""
    fields = arguments if isinstance(arguments, Mapping) else {}
    inner = fields.get("action")
    return inner if isinstance(inner, Mapping) else fields  # OpenAI's local_shell: {"action": {"command": [...]}}


def _folder(fields: Mapping[str, Any]) -> str | None:
    return next((value for key in _FOLDER_KEYS if isinstance(value := fields.get(key), str) and value), None)


def _tool(name: str) -> str:
    """The last piece of a tool's name, in lower case with underscores."""
    last = re.split(r"__|[./:]", name[-200:])[-1] or name[-200:]
    return _SEPARATORS.sub("_", _CAMEL.sub("_", last).lower()).strip("_")


# -- texts in the arguments -------------------------------------------------------------------------------------------


def _texts(tool: str, fields: Mapping[str, Any], arguments: Any, text: str) -> Iterator[CallText]:
    squeezed = tool.replace("_", "")
    if tool in _SHELLS or squeezed in _SHELLS or (not tool and not fields):
        yield from _of_kind("shell", fields, (*_COMMAND_KEYS, *_CODE_KEYS, "input", "args", "text"), arguments, text)
    elif tool in _CODE or squeezed in _CODE:
        yield from _of_kind(
            _CODE.get(tool) or _CODE[squeezed],
            fields,
            (*_CODE_KEYS, "input", "command", "query", "text"),
            arguments,
            text,
        )
    elif _SQL_TOOL.search(tool) or tool in ("execute", "sql", "query"):
        yield from _of_kind("sql", fields, (*_SQL_KEYS, "command", "code", "input", "text"), arguments, text)
    elif tool not in _EDITORS:
        yield from _of_unknown(fields)


def _of_kind(
    kind: str, fields: Mapping[str, Any], keys: tuple[str, ...], arguments: Any, text: str
) -> Iterator[CallText]:
    """The texts under the known names; the only text there is, if there are none."""
    found = [item for key in keys if key in fields for item in _strings(kind, fields[key], many=key == "commands")]
    if not found:
        source = (
            arguments
            if isinstance(arguments, (str, list))
            else next(iter(fields.values()))
            if len(fields) == 1
            else None
        )
        found = list(_strings(kind, text if source is None and not fields else source))
    yield from found[:_MAX_TEXTS]


def _strings(kind: str, value: Any, *, many: bool = False) -> Iterator[CallText]:
    """A text, or the texts of a list; a list for a shell is one command's words unless it says that it is `many`."""
    if isinstance(value, str):
        yield CallText(kind, value)
    elif isinstance(value, Mapping):
        yield from (
            CallText(kind, item)
            for key, item in value.items()
            if key in (*_COMMAND_KEYS, *_SQL_KEYS) and isinstance(item, str)
        )
    elif isinstance(value, list):
        texts = [item for item in value[:1_000] if isinstance(item, str)]
        if kind == "shell" and not many and texts and len(texts) == len(value) and " " not in texts[0]:
            yield CallText(kind, " ".join(texts), tuple(texts))
        else:
            yield from (CallText(kind, item) for item in texts)
            yield from (
                inner for item in value[:_MAX_TEXTS] if isinstance(item, Mapping) for inner in _strings(kind, item)
            )


def _of_unknown(fields: Mapping[str, Any]) -> Iterator[CallText]:
    """A tool nobody knows: what its arguments are called says what they are."""
    for key in ("command", "cmd", "shell_command", "bash", "bash_command", "command_line"):
        if key in fields:
            yield from _strings("shell", fields[key])
    for key in _SQL_KEYS:
        value = fields.get(key)
        if isinstance(value, str) and _SQL_START.match(value):
            yield CallText("sql", value)
    for key in ("code", "python", "python_code", "script"):
        value = fields.get(key)
        if isinstance(value, str):
            yield CallText("", value)


def _judged(item: CallText, cwd: str | None) -> Verdict:
    if item.words:
        return judge.judge_words(list(item.words), cwd)
    if item.kind == "shell":
        return judge.judge_command(item.text, cwd)
    if item.kind == "sql":
        return judge.judge_sql(item.text)
    return judge.judge_code(item.text, item.kind, cwd)


def _placed(found: Verdict, source: str, text: str) -> Verdict:
    """The verdict with its passage where the call's text shows it; the whole text where it does not."""
    passage = source[found.start : found.end]
    at = text.find(source)
    start, end = (at + found.start, at + found.end) if at >= 0 else (0, len(text))
    if at < 0 and len(passage) > 1:
        shown = _as_json(passage)
        place = text.find(passage) if passage in text else text.find(shown)
        if place >= 0:
            start, end = place, place + len(passage if text.startswith(passage, place) else shown)
    return Verdict(True, found.rule, found.why, start, end, found.family, found.severity)


def _as_json(passage: str) -> str:
    """The passage as it stands inside a JSON string."""
    from sessions.jsontext import dumps

    return dumps(passage)[1:-1]


# -- tools that are known by their names -----------------------------------------------------------------------------

_ALWAYS = frozenset({"drop", "truncate", "purge", "wipe", "erase", "destroy", "nuke", "shred"})
#: Those that need not say what they are about.
_ALONE = _ALWAYS - {"drop"}
_DELETES = frozenset({"delete", "remove", "terminate", "deprovision", "decommission"})
_EMPTIES = frozenset({"reset", "flush", "clear", "empty"})
_DISKS = frozenset({"disk", "disks", "drive", "drives", "volume", "partition", "filesystem"})
#: What the others must be about, so that `drop_off_package` is left alone.
_THINGS = frozenset(
    "database databases db table tables schema schemas keyspace collection collections index indexes bucket "
    "buckets volume volumes disk "
    "disks cluster clusters namespace namespaces instance instances server servers vm vms snapshot snapshots "
    "backup backups repo repos repository "
    "repositories branch topic topics queue queues stream stack stacks deployment deployments environment tenant "
    "project projects organization "
    "database_instance dataset datasets warehouse filesystem partition drive logs log audit pvc pv node nodes "
    "pod pods pool vault vpc secret "
    "secrets key keys infrastructure resources resource data records rows storage blobs container containers "
    "image images zone "
    "domain hosted_zone site function workspace".split()
)
#: For the milder verbs: what is ordinary to delete one at a time is left out.
_HEAVY = _THINGS - frozenset(
    "log logs resource record records rows row key keys image images branch index indexes function site domain "
    "pod pods container data "
    "project projects environment workspace organization tenant resources zone node nodes secret secrets topic".split()
)


def _by_name(tool: str, name: str, fields: Mapping[str, Any], text: str, cwd: str | None) -> Verdict:
    """Tools whose name says what they do, and file tools by their path."""
    finding: Finding | None = None
    if tool in _DELETE_FILE or tool in _DELETE_FOLDER:
        finding = _deleted(fields, text, cwd, recursive=tool in _DELETE_FOLDER or fields.get("recursive") is True)
    elif tool in _WRITERS:
        finding = _written(fields, cwd)
    elif finding_rule := _named(tool):
        finding = Finding(finding_rule, name[-80:])
    return judge.verdict(finding, 0, len(text)) if finding else ALLOWED


def _named(tool: str) -> Any:
    words = tool.split("_")
    things = set(words) & _THINGS
    if "dry" in words or "preview" in words or "undelete" in words or _READ_ONLY_TOOL.search(tool):
        return None
    if set(words) & _ALWAYS and (things or (words[0] in _ALONE and len(words) < 3 and "text" not in words)):
        return DELETES
    if "format" in words and set(words) & _DISKS:
        return DELETES
    if set(words) & _DELETES and set(words) & (_HEAVY | {"all", "everything"}):
        return DELETES
    return RESETS if set(words) & _EMPTIES and set(words) & _HEAVY else None


def _deleted(fields: Mapping[str, Any], text: str, cwd: str | None, *, recursive: bool) -> Finding | None:
    from labels.commands.rules.files import deletes

    found = [value for key in _PATH_KEYS if key in fields for value in _list(fields[key])] or (
        [text] if text and "\n" not in text else []
    )
    return deletes(Call("rm", [], cwd=cwd), found, recursive=recursive)


def _written(fields: Mapping[str, Any], cwd: str | None) -> Finding | None:
    from labels.commands.rules.contents import emptied, overwritten

    path = next((value for key in _PATH_KEYS if isinstance(value := fields.get(key), str)), "")
    content = next(
        (
            value
            for key in ("content", "contents", "text", "file_text", "data")
            if isinstance(value := fields.get(key), str)
        ),
        None,
    )
    if not path or fields.get("append") is True or fields.get("mode") in ("a", "append"):
        return None
    call = Call("", [], redirects=[Redirect(">", path)], cwd=cwd)
    return emptied(call, path) if content is not None and not content.strip() else overwritten(call, path)


def _list(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []

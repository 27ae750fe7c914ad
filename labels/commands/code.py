"""Program code in a command (`python -c`, `node -e`, a here-document) or for a code tool: what it deletes and runs.

No grammar of any language: `source` tells strings and comments from code, and calls of well-known functions are looked
for in the code alone. What they do is handed on as shell words, a script or SQL, so that the same rules judge it.
Sources: the standard libraries' manuals (Python `os`, `shutil`, `subprocess`; Node `fs`, `child_process`; Ruby
`FileUtils`; Perl, PHP).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from labels.commands.rules.base import Finding
from labels.commands.rules.code import METHODS
from labels.commands.source import Code, arguments, scan, split, value

#: Code beyond this many characters is not looked at.
MAX_CODE = 40_000
_MAX_HITS = 200


class Hit(NamedTuple):
    """Something that code does. start, end: code points into the code. One of the others says what.

    words: as if a command had been called. writes: a file that is overwritten with nothing or anew.
    """

    start: int
    end: int
    words: tuple[str, ...] = ()
    script: str | None = None
    sql: str | None = None
    writes: str | None = None
    finding: Finding | None = None


def _called(names: str) -> re.Pattern[str]:
    """Calls of the functions, up to their first argument; parentheses may be missing (Ruby, Perl)."""
    return re.compile(rf"(?<![\w$.])(?:{'|'.join(names.split())})(?:[ \t]*\([ \t\n]*|[ \t]+)(?=[^\s=:,)\]}}(.])")


#: Any object or module before a name: `shutil.`, `require("fs").`.
_ANY = r"(?:\w+(?:\.|::)|\)\.)?"
_RUN = _called(
    rf"os\.(?:system|popen|exec[lv]p?e?|spawn[lv]p?e?|execute) subprocess\.\w+ {_ANY}(?:Popen|check_call|"
    rf"check_output|getoutput|"
    rf"getstatusoutput|call|run|system|popen|capture[23]e?|exec_command|sudo) {_ANY}exec(?:Sync|File|FileSync)? "
    rf"{_ANY}spawn(?:Sync)? "
    r"execa(?:Sync|Command)? shell_exec passthru proc_open run_command run_cmd run_shell_command sh bash shell "
    r"do\sshell\sscript"
)
_DELETE_TREE = _called(
    rf"{_ANY}(?:rmtree|remove_tree|rm_rf|rm_r|remove_dir|remove_entry|remove_entry_secure|removeSync|emptyDirSync|emptyDir|"
    r"remove_dir_all|RemoveAll) rimraf(?:\.sync|Sync)? (?:fs|fse)\.remove del\.sync"
)
_DELETE_FILE = _called(
    rf"{_ANY}(?:unlinkSync|rmSync|rmdirSync|remove_file) os\.(?:remove|unlink|Remove) fs(?:\.promises|"
    rf"p)?\.(?:unlink|rm|rmdir) "
    r"unlink File\.(?:delete|unlink) file\.remove FileUtils\.(?:rm|rm_f|remove) Deno\.remove(?:Sync)? rm(?=\()"
)
#: `Path("x").unlink()`, `p.unlink()`: the argument is what stands before.
_PATH_UNLINK = re.compile(r"(?:\bPath\(([^()]*)\)|\b(\w+))\.unlink\(\s*(?:missing_ok\s*=\s*\w+\s*)?\)")
_WRITE = re.compile(
    r"\b(open|writeFileSync|writeFile|truncateSync|truncate|File\.open|File\.write|file_put_contents|os\.truncate)\("
)
_SQL_CALL = re.compile(
    r"(?:[\w$]{1,30}(?:\.|->|::)|\.|\b)(?:execute|executescript|executemany|exec_driver_sql|execute_sql|exec|query|raw|unsafe|run|sql|read_sql|"
    r"\$?executeRawUnsafe|\$?executeRaw|\$?queryRaw|\$?queryRawUnsafe|do|prepare|batch|multi_query)[ \t]*\(?[ "
    r"\t]*(?=[\"'`\w$])"
)
_SQL_VERB = re.compile(
    r"\s*(?:--[^\n]*\n\s*|/\*.*?\*/\s*)*(?:DROP|TRUNCATE|DELETE|UPDATE|ALTER|WITH|BEGIN|MERGE|INSERT|CREATE|EXEC|SET)\b",
    re.IGNORECASE | re.DOTALL,
)
_CONNECT = re.compile(r"\bconnect\(|\bDatabase\(")
_BACKTICK = re.compile(r"(?<!\w)(?:\$|%x)?[ \t]*`")
_BACKTICKS_RUN = frozenset({"ruby", "perl", "php", "node"})
_PERCENT_X = re.compile(r"%x[(\[{]([^)\]}]*)")
_CELL = re.compile(r"^[ \t]*(?:!{1,2}|%sx?[ \t]|%system[ \t]|(%%(?:bash|sh|script|shell))\b[^\n]*\n)(.*)", re.MULTILINE)
_RECURSIVE = re.compile(r"\brecursive\b\s*[:=]>?\s*(?:true|True|TRUE|1|!0)")


def look(text: str, language: str = "") -> Iterator[Hit]:
    """What the code deletes, overwrites, runs and sends to databases. language: as in `python`, may be empty."""
    return islice(_hits(scan(text[:MAX_CODE], language), language), _MAX_HITS)


def _hits(code: Code, language: str) -> Iterator[Hit]:
    for found in _CELL.finditer(code.text):
        yield Hit(found.start(), found.end(), script=code.text[found.start(2) :] if found[1] else found[2])
    yield from _deletes(code)
    yield from _runs(code, language)
    yield from _writes(code)
    yield from _statements(code)
    for pattern, rule in METHODS:
        for found in pattern.finditer(code.bare):
            yield Hit(found.start(), found.end(), finding=Finding(rule, found[0][:80].strip(" .(")))


def _deletes(code: Code) -> Iterator[Hit]:
    for found in _DELETE_TREE.finditer(code.bare):
        args, end = arguments(code, found.end())
        if args:
            yield Hit(found.start(), end, ("rm", "-rf", value(code, args[0])))
    for found in _DELETE_FILE.finditer(code.bare):
        args, end = arguments(code, found.end())
        if args:
            recursive = any(_RECURSIVE.search(arg) for arg in args[1:])
            yield Hit(found.start(), end, ("rm", "-rf" if recursive else "-f", value(code, args[0])))
    for found in _PATH_UNLINK.finditer(code.bare):
        place = 1 if found[1] is not None else 2
        yield Hit(
            found.start(), found.end(), ("rm", "-f", value(code, code.text[found.start(place) : found.end(place)]))
        )


def _runs(code: Code, language: str) -> Iterator[Hit]:
    for found in _RUN.finditer(code.bare):
        args, end = arguments(code, found.end())
        if not args:
            continue
        if words := _command_words(code, args):
            yield Hit(found.start(), end, tuple(words))
        elif not (script := value(code, args[0].removeprefix("args=").removesuffix(".split()"))).startswith("$"):
            yield Hit(found.start(), end, script=script)
    if language in _BACKTICKS_RUN:
        for found in _BACKTICK.finditer(code.bare):
            literal = code.strings.get(found.end() - 1)
            if literal and (language != "node" or found[0][0] == "$"):
                yield Hit(found.start(), literal[0], script=literal[1])
    if language == "ruby":
        for found in _PERCENT_X.finditer(code.text):
            yield Hit(found.start(), found.end(), script=found[1])


def _command_words(code: Code, args: list[str]) -> list[str]:
    """The words of a command given as a list, or as a program and its arguments; none where it is one script."""
    first = args[0].removeprefix("args=")
    if first[:1] == "[":
        return [value(code, part) for part in split(first[1:-1])]
    if len(args) > 1 and args[1][:1] == "[":
        return [value(code, part) for part in (first, *split(args[1][1:-1]))]
    if len(args) > 1 and all(arg[:1] in "'\"" for arg in args):
        return [value(code, arg) for arg in args]
    return []


def _writes(code: Code) -> Iterator[Hit]:
    """Files opened anew for writing, or cut."""
    for found in _WRITE.finditer(code.bare):
        args, end = arguments(code, found.end())
        if not args:
            continue
        mode = value(code, args[1].removeprefix("mode=")) if len(args) > 1 else ""
        opens = found[1] in ("open", "File.open")
        if (opens and mode[:1] in ("w", ">")) or (not opens and (mode in ("", "0") or "truncate" in found[1])):
            yield Hit(found.start(), end, writes=value(code, args[0]))


def _statements(code: Code) -> Iterator[Hit]:
    """SQL that is sent to a database, unless every database in the code is scratch."""
    connects = [arguments(code, found.end())[0] for found in _CONNECT.finditer(code.bare)]
    targets = [value(code, args[0]) for args in connects if args]
    if targets and all(":memory:" in target or target.startswith(("/tmp/", "$(mktemp")) for target in targets):  # noqa: S108
        return
    for found in _SQL_CALL.finditer(code.bare):
        args, end = arguments(code, found.end())
        if args and _SQL_VERB.match(text := value(code, args[0])):
            yield Hit(found.start(), end, sql=text)

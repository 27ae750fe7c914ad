"""Programs that run code given on the command line or on standard input, and which code a call gives them.

Sources: the manuals of Python, Node, Deno, Bun, Perl, Ruby, PHP, Lua, R, AWK, AppleScript; of the frameworks' `runner`,
`shell` and `tinker`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from labels.commands.call import Call
from labels.commands.unwrap import SHELLS

#: Program -> language, and the options whose value is code. The program itself reads code where it is given no file.
_INTERPRETERS: dict[str, tuple[str, tuple[str, ...]]] = {
    **dict.fromkeys(
        ("python", "python2", "python3", "pypy", "pypy3", "ipython", "ipython3", "py"), ("python", ("-c",))
    ),
    **dict.fromkeys(("node", "nodejs", "ts-node", "tsx"), ("node", ("-e", "--eval", "-p", "--print", "-pe"))),
    "bun": ("node", ("-e", "--eval")),
    "deno": ("node", ("eval",)),
    "zx": ("node", ("--eval", "-e")),
    "perl": ("perl", ("-e", "-E")),
    "ruby": ("ruby", ("-e",)),
    "php": ("php", ("-r", "-R", "-B", "-E", "--run")),
    "lua": ("lua", ("-e",)),
    "luajit": ("lua", ("-e",)),
    "rscript": ("r", ("-e",)),
    "osascript": ("applescript", ("-e",)),
    "groovy": ("groovy", ("-e",)),
    "rails": ("ruby", ("runner", "r")),
    "manage.py": ("python", ("-c", "--command")),
    "artisan": ("php", ("--execute",)),
    "flask": ("python", ()),
    "pyspark": ("python", ()),
    "irb": ("ruby", ()),
    "psysh": ("php", ()),
    "tclsh": ("tcl", ()),
    "julia": ("julia", ("-e", "-E")),
    "elixir": ("elixir", ("-e", "--eval")),
}
_AWKS = frozenset({"awk", "gawk", "mawk", "nawk"})
#: `perl -ne`, `python3 -Bc`: short options before the one that takes the code.
_CLUSTER = re.compile(r"-[A-Za-z0-9]{1,8}")
_READ_STDIN = frozenset({"-", "/dev/stdin", "shell", "shell_plus", "console", "c", "tinker"})
#: Words of which code that does harm must hold one. What it runs as a command has words of its own, and so has SQL.
HARM = frozenset(
    "rmtree remove unlink remove_tree rm_rf rm_r rm rm_f remove_dir remove_entry remove_entry_secure rimraf "
    "rimrafsync removesync "
    "emptydir emptydirsync del remove_dir_all removeall unlinksync rmsync rmdirsync rmdir remove_file truncate "
    "truncatesync open "
    "writefile writefilesync write file_put_contents drop delete update alter overwrite merge exec execute clear "
    "drop_database "
    "dropdatabase drop_collection dropcollection drop_all drop_schema delete_many deletemany delete_all "
    "destroy_all flushall flushdb "
    "destroy delete_collection deletecollection recreate_collection dropallusers delete_by_query deletebyquery "
    "terminate_instances schedule_key_deletion purge_queue batch_delete_image delete_bucket delete_objects "
    "delete_table "
    "delete_stack delete_cluster delete_db_instance delete_db_cluster delete_file_system delete_volume delete_snapshot "
    "delete_user_pool delete_log_group delete_trail delete_secret delete_repository delete_function delete_queue "
    "delete_topic "
    "delete_stream delete_hosted_zone delete_vpc delete_nodegroup delete_domain".split()
)
_RUNS_STDIN = SHELLS | {
    "python",
    "python2",
    "python3",
    "perl",
    "ruby",
    "node",
    "php",
    "eval",
    "source",
    "psql",
    "mysql",
}

#: What `gate` must know of these programs, and of those that make a script for one.
GATE: dict[str, frozenset[str] | None] = {
    **dict.fromkeys(("histfile", "histsize", "histfilesize", "savehist"), None),
    **dict.fromkeys([*_INTERPRETERS, *_AWKS], HARM),
    "ansible": frozenset({"absent"}),
    **dict.fromkeys(("base64", "base32"), frozenset({"d", "decode", "di", "id"})),
    **dict.fromkeys(("xxd", "openssl", "gunzip", "rev", "uudecode", "zcat"), _RUNS_STDIN),
}


def language(name: str) -> str:
    """The language that a program runs; empty for other programs. `python3.11` counts as python."""
    if name in _AWKS:
        return "awk"
    found = _INTERPRETERS.get(name) or _INTERPRETERS.get(name.split(".", 1)[0])
    return found[0] if found else ""


def inline_code(call: Call) -> Iterator[str]:
    """The code that a call gives to its interpreter."""
    name = call.name if call.name in _INTERPRETERS else call.name.split(".", 1)[0]
    if name in _AWKS:
        yield from (arg for arg in call.args if "{" in arg or "system" in arg)
        return
    if name not in _INTERPRETERS:
        return
    _, options = _INTERPRETERS[name]
    script_given = False
    args = call.args
    for place, arg in enumerate(args):
        option, equals, value = arg.partition("=")
        if equals and option in options and option.startswith("--"):
            yield value
            script_given = True
        elif arg in options or (
            _CLUSTER.fullmatch(arg) and "-" + arg[-1] in options and len(arg) > 2 and arg[1] != "-"
        ):
            if place + 1 < len(args):
                yield args[place + 1]
            script_given = True
    plain = [arg for arg in args if not arg.startswith("-")]
    reads_stdin = not plain or args[:1] == ["-"] or (plain and plain[0] in _READ_STDIN)
    if call.reads and call.reads.how == "text" and not script_given and reads_stdin:
        yield call.reads.text

"""Every command and script that a call runs, besides being a call itself.

The plain wrappers are a table in `wrappers`; what runs one for each item is in `items`, what runs elsewhere or later in
`machines`; here are shells and their `-c`, PowerShell and cmd, `env -S`, interpreters given a script by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from labels.commands import items, wrappers
from labels.commands.call import Call
from labels.commands.machines import MACHINES
from labels.commands.wrappers import Inner

SHELLS = frozenset("sh bash zsh dash ksh mksh ash fish csh tcsh rbash yash oksh elvish nu xonsh git-bash".split())
_SHELL_VALUED = frozenset({"-O", "+O", "-o", "+o", "--rcfile", "--init-file"})


def inners(call: Call) -> Iterator[Inner]:
    """What the call runs. Empty for most programs."""
    if special := _SPECIAL.get(call.name):
        yield from special(call)
    if call.name in SHELLS:
        yield from _shell(call)
    if call.name in wrappers.table() and (found := wrappers.inner(call)):
        yield found


def is_wrapper(name: str) -> bool:
    """Whether a program may run another one."""
    return name in _SPECIAL or name in SHELLS or name in wrappers.table()


# -- shells ---------------------------------------------------------------------------------------------------------


def _shell(call: Call) -> Iterator[Inner]:
    """`sh -c SCRIPT`, also clustered as in `-lc`; a script from standard input; a script from `<(...)`."""
    rest = iter(call.args)
    for arg in rest:
        if arg in _SHELL_VALUED:
            next(rest, None)
        elif arg == "--command" or re.fullmatch(r"-[a-zA-Z]*c", arg):
            script = next((word for word in rest if not re.fullmatch(r"[-+][a-zA-Z]+|--", word)), None)
            if script is not None:
                yield Inner(script=script, via=call.name)
            return
        elif arg.startswith("--command="):
            yield Inner(script=arg.partition("=")[2], via=call.name)
            return
        elif arg in ("-s", "-", "/dev/stdin"):
            break
        elif not arg.startswith(("-", "+")):
            return
    if call.reads and call.reads.how == "text":
        yield Inner(script=call.reads.text, via=call.name)


def _powershell(call: Call) -> Iterator[Inner]:
    """`powershell -Command "..."`, `cmd /c ...`."""
    for place, arg in enumerate(call.args):
        if arg.lower() in ("-command", "-c", "/c", "/k", "/s/c", "-commandwithargs") and place + 1 < len(call.args):
            yield Inner(script=" ".join(call.args[place + 1 :]), via=call.name)
            return
    if call.name == "powershell" and call.args and not call.args[0].startswith(("-", "/")):
        yield Inner(script=" ".join(call.args), via=call.name)
    elif call.reads and call.reads.how == "text":
        yield Inner(script=call.reads.text, via=call.name)


def _script_file(call: Call) -> Iterator[Inner]:
    """`python manage.py flush`, `php artisan migrate:fresh`, `python -m alembic ...`: the script is the program."""
    for place, arg in enumerate(call.args):
        if arg == "-m":
            yield Inner(tuple(call.args[place + 1 :]), via=call.name)
            return
        if not arg.startswith("-"):
            yield Inner(tuple(call.args[place:]), via=call.name)
            return
        if arg in ("-c", "-e", "-r", "--eval"):
            return


def _source(call: Call) -> Iterator[Inner]:
    """`source <(...)`, `. /dev/stdin`."""
    if call.reads and call.reads.how == "text":
        yield Inner(script=call.reads.text, via=call.name)


def _env(call: Call) -> Iterator[Inner]:
    """`env -S "command args"`."""
    for place, arg in enumerate(call.args):
        if arg.startswith(("-S", "--split-string")):
            value = arg.partition("=")[2] if arg.startswith("--") else arg[2:]
            yield Inner(script=" ".join([value, *call.args[place + 1 :]]).strip(), via="env")
            return


_SPECIAL: dict[str, Callable[[Call], Iterator[Inner]]] = {
    "powershell": _powershell,
    "cmd": _powershell,
    "source": _source,
    ".": _source,
    "env": _env,
    **dict.fromkeys(("python", "python2", "python3", "php", "ruby", "node", "perl", "deno", "bun"), _script_file),
    "xargs": items.xargs,
    "parallel": items.parallel,
    "find": items.find,
    "fd": items.fd,
    "fdfind": items.fd,
    **MACHINES,
}

"""Every command and script that a call runs, besides being a call itself.

The plain wrappers are the table in `wrappers`; here are those that need more: shells and their `-c`, `find -exec`,
`xargs`, `docker run`, schedulers, terminals that are typed into, PowerShell and cmd.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from labels.commands import wrappers
from labels.commands.call import Call
from labels.commands.options import parse
from labels.commands.wrappers import Inner

SHELLS = frozenset("sh bash zsh dash ksh mksh ash fish csh tcsh rbash yash oksh elvish nu xonsh git-bash".split())
_SHELL_VALUED = frozenset({"-O", "+O", "-o", "+o", "--rcfile", "--init-file"})
_POWERSHELLS = frozenset({"powershell", "cmd"})
#: Stands for what a command is given by another one.
MORE = "$(more)"
_BLANKS = re.compile(r"[ \t\n]+")


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
    """`python manage.py flush`, `php artisan migrate:fresh`, `python -m alembic downgrade`: the script is the program."""
    for place, arg in enumerate(call.args):
        if arg == "-m":
            yield Inner(tuple(call.args[place + 1 :]), via=call.name)
            return
        if not arg.startswith("-"):
            yield Inner(tuple(call.args[place:]), via=call.name)
            return
        if arg in ("-c", "-e", "-r", "--eval"):
            return


def _env(call: Call) -> Iterator[Inner]:
    """`env -S "command args"`."""
    for place, arg in enumerate(call.args):
        if arg.startswith("-S") or arg.startswith("--split-string"):
            value = arg.partition("=")[2] if arg.startswith("--") else arg[2:]
            yield Inner(script=" ".join([value, *call.args[place + 1 :]]).strip(), via="env")
            return


# -- programs that run one for each item ------------------------------------------------------------------------------


def items(call: Call) -> list[str]:
    """What a call reads from a pipe, as arguments: words of a text, globs of a listing, else `MORE`."""
    reads = call.reads
    if reads and reads.how == "text":
        return _BLANKS.split(reads.text.strip())[:64]
    if reads and reads.how == "paths":
        return list(reads.paths)
    return [f"$({reads.source})" if reads and reads.source else MORE]


_XARGS_VALUED = frozenset(
    "-I -n -P -L -d -E -s -a -i_ --max-args --max-procs --max-lines --delimiter --arg-file --replace_ --max-chars --eof".split()
)


def _xargs(call: Call) -> Iterator[Inner]:
    args, place, mark = call.args, 0, ""
    while place < len(args) and args[place].startswith("-") and args[place] != "--":
        arg = args[place]
        if arg.startswith("-I"):
            mark = arg[2:] or (args[place + 1] if place + 1 < len(args) else "")
        elif arg.startswith(("-i", "--replace")):
            mark = arg.partition("=")[2] or arg[2:] if arg.startswith("-i") else arg.partition("=")[2] or "{}"
            mark = mark or "{}"
        place += 2 if arg in _XARGS_VALUED else 1
    words = [arg for arg in args[place:] if arg != "--" or place]
    if not words:
        return
    yield Inner(tuple(_filled(words, mark, items(call))), via="xargs")


def _filled(words: Sequence[str], mark: str, given: Sequence[str]) -> Iterator[str]:
    """The items in place of the mark, or at the end if there is none."""
    if not mark:
        yield from words
        yield from given
        return
    for word in words:
        if mark in word:
            yield from (word.replace(mark, item) for item in given)
        else:
            yield word


def _parallel(call: Call) -> Iterator[Inner]:
    """GNU parallel: `parallel rm -rf {} ::: a b`."""
    args = call.args
    place = 0
    valued = (
        "-j",
        "-P",
        "-n",
        "-N",
        "-L",
        "-a",
        "--jobs",
        "--delay",
        "--timeout",
        "--joblog",
        "--colsep",
        "-S",
        "--sshlogin",
    )
    while place < len(args) and args[place].startswith("-"):
        place += 2 if args[place] in valued else 1
    rest = args[place:]
    ends = [at for at, word in enumerate(rest) if word in (":::", ":::+", "::::")]
    words = rest[: ends[0]] if ends else rest
    given = [word for word in rest[ends[0] :] if not word.startswith(":::")] if ends else items(call)
    if not words:
        yield from (Inner(script=word, via="parallel") for word in given[:64])
        return
    text = " ".join(words)
    mark = "{}" if "{}" in text else ""
    yield Inner(script=" ".join(_filled(text.split(" "), mark, given)), via="parallel")


_NAMES = frozenset({"-name", "-iname", "-path", "-ipath", "-wholename", "-regex"})


def find_paths(call: Call, action: int | None = None) -> tuple[str, ...]:
    """What `find` finds, as globs: each starting folder with each `-name` pattern, `/*` where there is none.

    action: the place of an argument that does something with it: only the tests before it count, back to an `-o`.
    """
    args = call.args
    first = next((at for at, arg in enumerate(args) if arg[:1] in ("-", "(", "!") and arg not in _LEADING), len(args))
    roots = [arg.rstrip("/") or "/" for arg in args[:first] if arg not in _LEADING] or ["."]
    end = action if action is not None else len(args)
    last_or = max(
        (at for at in range(first, end) if args[at] in ("-o", "-or") and _ends_a_branch(args, at)), default=first
    )
    names = [
        args[at + 1]
        for at in range(last_or, min(end, len(args) - 1))
        if args[at] in _NAMES and args[at - 1] not in ("!", "-not")
    ]
    if not names:
        return tuple(f"{root.rstrip('/')}/*" for root in roots[:64])
    found = [f"{root.rstrip('/')}/{name.lstrip('*/') if '/' in name else name}" for root in roots for name in names]
    return tuple(found[:64])


_LEADING = frozenset({"-H", "-L", "-P"})


def _ends_a_branch(args: list[str], at: int) -> bool:
    """Whether an `-o` parts what is done (`-prune -o ...`, `-print -o ...`), not only names (`-name a -o -name b`)."""
    return args[at - 1] in ("-prune", "-print", "-print0", ";", "+", "-delete")


def _find(call: Call) -> Iterator[Inner]:
    args = call.args
    for place, arg in enumerate(args):
        if arg in ("-exec", "-execdir", "-ok", "-okdir"):
            paths = find_paths(call, place)
            words = []
            for word in args[place + 1 :]:
                if word in (";", "+"):
                    break
                words.append(word)
            if words:
                yield Inner(tuple(_filled(words, "{}", paths)), via="find")


def _fd(call: Call) -> Iterator[Inner]:
    """`fd PATTERN -x rm`."""
    for place, arg in enumerate(call.args):
        if arg in ("-x", "-X", "--exec", "--exec-batch"):
            words = call.args[place + 1 :]
            name = next((word for word in call.args[:place] if not word.startswith("-")), "*")
            given = [f"./{name}" if name.startswith("*") or "." in name else "./*"]
            yield Inner(tuple(_filled(words, "{}" if "{}" in words else "", given)), via="fd")
            return


# -- containers, machines, terminals --------------------------------------------------------------------------------

_RUN_VALUED = frozenset(
    "-v -e -p -u -w -h -l -m -c -a --volume --mount --env --env-file --publish --user --workdir --name --network --net --entrypoint "
    "--hostname --label --memory --cpus --gpus --platform --restart --add-host --cap-add --device --dns --expose --ip --link "
    "--log-driver --log-opt --pid --ipc --security-opt --shm-size --tmpfs --ulimit --volumes-from --pull --group-add --cidfile".split()
)


def _docker(call: Call) -> Iterator[Inner]:
    """`docker run`: what it does inside a new container is lost with it, so only what is mounted can be."""
    line = parse(call.args, frozenset({"--context", "-H", "--host", "--config", "-l", "--log-level"}))
    if "run" not in line.words[:2]:
        return
    args = call.args[call.args.index("run") + 1 :]
    if not any(arg.startswith(("-v", "--volume", "--mount", "--privileged", "--device", "--pid")) for arg in args):
        return
    place = 0
    entrypoint = ""
    while place < len(args) and args[place].startswith("-"):
        if args[place].startswith("--entrypoint"):
            entrypoint = args[place].partition("=")[2] or (args[place + 1] if place + 1 < len(args) else "")
        place += 2 if args[place] in _RUN_VALUED else 1
    words = args[place + 1 :]
    if entrypoint:
        words = [entrypoint, *words]
    if words:
        yield Inner(tuple(words), via="docker run", elsewhere=True)


def _option_script(call: Call, *names: str, elsewhere: bool = False) -> Iterator[Inner]:
    """A script in the value of an option: `su -c SCRIPT`."""
    for place, arg in enumerate(call.args):
        if arg in names and place + 1 < len(call.args):
            yield Inner(script=call.args[place + 1], via=call.name, elsewhere=elsewhere)
        elif arg.startswith("--") and arg.partition("=")[0] in names and "=" in arg:
            yield Inner(script=arg.partition("=")[2], via=call.name, elsewhere=elsewhere)


def _local(*names: str) -> Callable[[Call], Iterator[Inner]]:
    return lambda call: _option_script(call, *names)


def _remote(*names: str) -> Callable[[Call], Iterator[Inner]]:
    return lambda call: _option_script(call, *names, elsewhere=True)


def _terminal(call: Call) -> Iterator[Inner]:
    """`tmux send-keys -t x 'rm -rf y' Enter`, `tmux new -d '...'`, `screen -X stuff '...'`, `screen -dm cmd`."""
    for place, arg in enumerate(call.args):
        if arg in (
            "send-keys",
            "send",
            "new-session",
            "new",
            "new-window",
            "neww",
            "split-window",
            "run-shell",
            "respawn-pane",
        ):
            line = parse(call.args[place + 1 :], frozenset({"-t", "-s", "-n", "-c", "-F", "-x", "-y", "-e", "-N"}))
            words = [word for word in line.words if word not in ("Enter", "C-m", "KPEnter")]
            yield Inner(script=" ".join(words).replace("\\n", "\n"), via=call.name)
            return
        if arg in ("stuff", "-dm", "-dmS", "-m"):
            skip = place + (2 if arg == "-dmS" else 1)
            yield Inner(script=" ".join(call.args[skip:]).replace("\\n", "\n").replace("^M", "\n"), via=call.name)
            return


def _ssh(call: Call) -> Iterator[Inner]:
    """`ssh host <<EOF`: without a command the shell there reads standard input."""
    if call.reads and call.reads.how == "text" and wrappers.inner(call) is None:
        yield Inner(script=call.reads.text, via="ssh", elsewhere=True)


_CRON_LINE = re.compile(r"[ \t]*(?:@\w+|(?:[\d*,/a-zA-Z-]+[ \t]+){5})[ \t]*(.+)")


def _crontab(call: Call) -> Iterator[Inner]:
    """What is put on the schedule will run."""
    if call.reads and call.reads.how == "text":
        for line in call.reads.text.split("\n")[:100]:
            if found := _CRON_LINE.fullmatch(line[:2_000]):
                yield Inner(script=found[1], via="crontab", elsewhere=True)


_TARGET = re.compile(r"([\w.-]+(?: [\w.-]+)*)[ ]*:(?!=)([^=\n]*)")


def _make(call: Call) -> Iterator[Inner]:
    """A makefile that the text itself gives: the recipes of the targets that are made."""
    if not call.reads or call.reads.how != "text":
        return
    recipes: dict[str, list[str]] = {}
    needs: dict[str, list[str]] = {}
    current: list[str] = []
    for line in call.reads.text.split("\n")[:500]:
        if line.startswith("\t"):
            current.append(line.lstrip("\t@-+ "))
        elif found := _TARGET.match(line):
            current = recipes.setdefault(found[1], [])
            needs[found[1]] = found[2].split()
    todo = [arg for arg in call.args if arg in recipes] or list(recipes)[:1]
    for target in todo:
        if len(todo) < 100:
            todo += [name for name in needs.get(target, []) if name in recipes and name not in todo]
        if recipes[target]:
            yield Inner(script="\n".join(recipes[target]), via="make")


def _trap(call: Call) -> Iterator[Inner]:
    if call.args and not call.args[0].startswith("-"):
        yield Inner(script=call.args[0], via="trap")


def _at(call: Call) -> Iterator[Inner]:
    if call.reads and call.reads.how == "text":
        yield Inner(script=call.reads.text, via=call.name)


def _git(call: Call) -> Iterator[Inner]:
    """`git submodule foreach CMD`, `git bisect run CMD`, `git rebase --exec CMD`, an alias defined with `!`."""
    args = call.args
    if "foreach" in args:
        words = [word for word in args[args.index("foreach") + 1 :] if word not in ("--recursive", "--quiet")]
        yield Inner(script=" ".join(words), via="git submodule foreach")
    if "bisect" in args and "run" in args:
        yield Inner(tuple(args[args.index("run") + 1 :]) or ("true",), via="git bisect run")
    if "rebase" in args:
        yield from _option_script(call, "--exec", "-x")
    for place, arg in enumerate(args[:-1]):
        if arg == "-c" and args[place + 1].startswith("alias."):
            meaning = args[place + 1].partition("=")[2]
            yield Inner(script=meaning[1:] if meaning.startswith("!") else f"git {meaning}", via="git alias")


def _ansible(call: Call) -> Iterator[Inner]:
    line = parse(call.args, frozenset({"-m", "--module-name", "-a", "--args", "-i", "-u", "-l", "-e"}))
    text = line.value("-a", "--args") or ""
    module = (line.value("-m", "--module-name") or "command").rsplit(".", 1)[-1]
    if line.has("-C", "--check", "--syntax-check", "--list-hosts"):
        return
    if module in ("command", "shell", "raw", "script"):
        yield Inner(script=text, via="ansible", elsewhere=True)
    elif module == "file" and "state=absent" in text and (path := re.search(r"(?:path|dest|name)=(\S+)", text)):
        yield Inner(("rm", "-rf", path[1]), via="ansible", elsewhere=True)


def _salt(call: Call) -> Iterator[Inner]:
    if "cmd.run" in call.args:
        yield Inner(script=" ".join(call.args[call.args.index("cmd.run") + 1 :]), via="salt", elsewhere=True)


def _aws(call: Call) -> Iterator[Inner]:
    """`aws ssm send-command --parameters 'commands=["rm -rf /x"]'`."""
    if "send-command" in call.args:
        for arg in call.args:
            _, equals, commands = arg.partition("commands=")
            if equals:
                texts = re.findall(r"\"((?:[^\"\\]|\\.)*)\"", commands) or [commands.strip("[]' ")]
                yield from (Inner(script=text, via="aws ssm", elsewhere=True) for text in texts[:16])


_SPECIAL: dict[str, Callable[[Call], Iterator[Inner]]] = {
    "powershell": _powershell,
    "cmd": _powershell,
    "env": _env,
    **dict.fromkeys(("python", "python2", "python3", "php", "ruby", "node", "perl", "deno", "bun"), _script_file),
    "xargs": _xargs,
    "parallel": _parallel,
    "find": _find,
    "fd": _fd,
    "fdfind": _fd,
    "docker": _docker,
    "podman": _docker,
    "nerdctl": _docker,
    "su": _local("-c", "--command"),
    "runuser": _local("-c", "--command"),
    "sg": _local("-c"),
    "script": _local("-c", "--command"),
    "flock": _local("-c", "--command"),
    "nix-shell": _local("--run", "--command"),
    "nix": _local("--command", "-c"),
    "vagrant": _remote("-c", "--command"),
    "gcloud": _remote("--command"),
    "fly": _remote("-C", "--command"),
    "flyctl": _remote("-C", "--command"),
    "az": _remote("--scripts", "--command"),
    "tmux": _terminal,
    "screen": _terminal,
    "ssh": _ssh,
    "crontab": _crontab,
    "make": _make,
    "gmake": _make,
    "trap": _trap,
    "at": _at,
    "batch": _at,
    "git": _git,
    "ansible": _ansible,
    "salt": _salt,
    "aws": _aws,
}

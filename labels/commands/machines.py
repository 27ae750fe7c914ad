"""Programs that run a script somewhere else or at another time: containers, machines, terminals, schedulers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from labels.commands import wrappers
from labels.commands.call import Call
from labels.commands.options import parse
from labels.commands.wrappers import Inner

_RUN_VALUED = frozenset(
    "-v -e -p -u -w -h -l -m -c -a --volume --mount --env --env-file --publish --user --workdir --name --network "
    "--net --entrypoint "
    "--hostname --label --memory --cpus --gpus --platform --restart --add-host --cap-add --device --dns --expose "
    "--ip --link "
    "--log-driver --log-opt --pid --ipc --security-opt --shm-size --tmpfs --ulimit --volumes-from --pull "
    "--group-add --cidfile".split()
)


def _docker(call: Call) -> Iterator[Inner]:
    """`docker run`: what it changes inside a new container is lost with it, unless something is mounted into it."""
    if "run" not in call.args[:6] or call.args[0] in ("exec", "compose"):
        return
    args = call.args[call.args.index("run") + 1 :]
    mounted = any(arg.startswith(("-v", "--volume", "--mount", "--privileged", "--device", "--pid")) for arg in args)
    place = 0
    entrypoint = ""
    while place < len(args) and args[place].startswith("-"):
        if args[place].startswith("--entrypoint"):
            entrypoint = args[place].partition("=")[2] or "".join(args[place + 1 : place + 2])
        place += 2 if args[place] in _RUN_VALUED else 1
    yield from _contained(entrypoint, args[place : place + 1], args[place + 1 :], "docker run", sandbox=not mounted)


def _contained(entrypoint: str, image: list[str], words: list[str], via: str, *, sandbox: bool) -> Iterator[Inner]:
    """The command in a container; an image may itself be a program (`amazon/aws-cli s3 rm ...`)."""
    if not words:
        return
    if entrypoint:
        words = [entrypoint, *words]
    yield Inner(tuple(words), via=via, elsewhere=True, sandbox=sandbox)
    if image and not entrypoint:
        name = image[0].rpartition("/")[2].partition(":")[0].removesuffix("-cli")
        yield Inner((name, *words), via=via, elsewhere=True, sandbox=sandbox)


def _kubectl_run(call: Call) -> Iterator[Inner]:
    """`kubectl run x --image=redis -it -- redis-cli ...`"""
    if "run" in call.args[:6] and "--" in call.args:
        words = call.args[call.args.index("--") + 1 :]
        yield from _contained("", [], words, "kubectl run", sandbox=True)


def _option_script(call: Call, *names: str, elsewhere: bool = False) -> Iterator[Inner]:
    """A script in the value of an option: `su -c SCRIPT`, `script -qc SCRIPT`."""
    letters = "".join(name[1] for name in names if len(name) == 2)
    cluster = re.compile(rf"-[a-zA-Z]*[{letters}]") if letters else None
    for place, arg in enumerate(call.args):
        if (arg in names or (cluster and cluster.fullmatch(arg))) and place + 1 < len(call.args):
            yield Inner(script=call.args[place + 1], via=call.name, elsewhere=elsewhere)
        elif arg.startswith("--") and "=" in arg and arg.partition("=")[0] in names:
            yield Inner(script=arg.partition("=")[2], via=call.name, elsewhere=elsewhere)


def _expect(call: Call) -> Iterator[Inner]:
    """`expect -c 'spawn CMD'`."""
    for inner in _option_script(call, "-c"):
        yield inner._replace(script=re.sub(r"(?m)^\s*(?:spawn|exec)\s+", "", inner.script or ""))


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


#: Program -> what it runs.
MACHINES: dict[str, Callable[[Call], Iterator[Inner]]] = {
    "expect": _expect,
    "kubectl": _kubectl_run,
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

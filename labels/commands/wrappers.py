"""Programs that run another program given in their arguments, as a table: `inner` finds it.

Facts: each program's manual page. What a wrapper does besides (another user, another machine, a delay) changes nothing
about what is lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from labels.commands.call import Call
from labels.commands.script import assignment


class Inner(NamedTuple):
    """What a call runs: the words of one command, or a script. via: the wrapper. elsewhere: not in the same folder.
    sandbox: on files and a system that are thrown away afterwards."""

    words: tuple[str, ...] = ()
    script: str | None = None
    via: str = ""
    elsewhere: bool = False
    sandbox: bool = False


@dataclass(frozen=True, slots=True)
class _Wrapper:
    """sub: words that must come first. valued: options that take the next argument. skip: positional arguments before
    the command. flags: `joined` (the rest is one script), `assigns` (`A=b` may come first), `elsewhere`."""

    sub: tuple[str, ...]
    valued: frozenset[str]
    skip: int
    flags: frozenset[str]


#: program [subcommand...] | options with values | positional arguments to skip | flags
_TABLE = """
nohup setsid builtin command chronic eatmydata caffeinate unbuffer torsocks torify proxychains noglob ||0|
busybox toybox coproc rlwrap dbus-run-session fakeroot winpty pkexec nocorrect firejail unshare entr start call ||0|
proxychains4 then do else ||0|
sudo | -u -g -h -p -C -D -R -r -t -T -U --user --group --host --prompt --chdir --chroot --role --type | 0 | assigns
doas run0 | -u -g -C -D --user --group --chdir --setenv | 0 | assigns
env | -u --unset -C --chdir -P | 0 | assigns
exec | -a | 0 |
nice | -n --adjustment | 0 |
ionice | -c -n --class --classdata | 0 |
chrt taskset setarch gosu su-exec |  | 1 |
numactl | -C -N -m -p | 0 |
stdbuf | -i -o -e --input --output --error | 0 |
timeout gtimeout | -s -k --signal --kill-after | 1 |
time gtime | -f -o --format --output | 0 |
strace ltrace | -e -o -p -s -u -E | 0 |
systemd-run | -p -u -t --unit --property --uid --gid --on-calendar --on-active -E | 0 |
nsenter | -t --target -S -G | 0 |
chroot arch-chroot | --userspec --groups | 1 | elsewhere
runuser | -u -g -G -s --user --group --supp-group --shell | 0 |
setpriv | --reuid --regid --groups | 0 |
flock | -w -E --timeout --wait | 1 |
sem retry | -j --id -t -d -m --times --delay --max | 0 |
watch | -n --interval | 0 | joined
ssh | -b -c -D -E -e -F -I -i -J -L -l -m -O -o -p -Q -R -S -W -w -B | 1 | joined elsewhere
autossh | -M -i -o -p -l -L -R -D | 1 | joined elsewhere
mosh rsh rexec teleport | --ssh -l | 1 | joined elsewhere
pssh parallel-ssh pdsh clush dsh | -h -H -l -p -o -e -t -w -g -x -u | 0 | joined elsewhere
sshpass | -p -f -d | 0 |
eval | | 0 | joined
direnv exec || 1 |
dotenv doppler op aws-vault chamber infisical mise guix asdf | -f -e -p -c -t -d --project --config --env-file | 9 |
bundle exec || 0 |
npm exec | -p --package -w --workspace | 0 |
npm x | -p --package -w --workspace | 0 |
npx pnpx bunx | -p --package | 0 |
pnpm exec | -C --dir --filter -F | 0 |
pnpm dlx | -C --dir --filter -F | 0 |
pnpm yarn | -C --dir --filter -F --cwd | 0 |
yarn exec | --cwd | 0 |
yarn dlx | --cwd | 0 |
yarn run | --cwd | 0 |
bun x || 0 |
poetry run | -C --directory -P | 0 |
uv run | --with --python -p --extra --group --project --directory --env-file | 0 |
uvx | --from --with --python -p | 0 |
pipx run | --spec | 0 |
pipenv run || 0 |
pdm run || 0 |
rye run || 0 |
hatch run | -e | 0 |
pixi run | -e | 0 |
conda run | -n -p --name --prefix --cwd | 0 |
mamba run | -n -p --name --prefix --cwd | 0 |
micromamba run | -n -p --name --prefix --cwd | 0 |
asdf exec || 0 |
rbenv exec || 0 |
pyenv exec || 0 |
docker exec | -u -w -e --user --workdir --env --env-file --detach-keys --context -H | 1 | elsewhere
docker container exec | -u -w -e --user --workdir --env --env-file --detach-keys | 1 | elsewhere
docker-compose exec | -u -w -e -f -p --user --workdir --env --file --project-name --index | 1 | elsewhere
docker-compose run | -u -w -e -f -p -v --user --workdir --env --file --project-name --name --entrypoint | 1 | elsewhere
podman exec | -u -w -e --user --workdir --env --env-file | 1 | elsewhere
nerdctl exec | -u -w -e --user --workdir --env | 1 | elsewhere
lxc exec | --cwd --env --user --group | 1 | elsewhere
incus exec | --cwd --env --user --group | 1 | elsewhere
kubectl exec | -n --namespace -c --container --context --kubeconfig --cluster --user -s | 1 | elsewhere
oc exec | -n --namespace -c --container --context --kubeconfig | 1 | elsewhere
oc rsh | -n --namespace -c --container --context --kubeconfig | 1 | elsewhere
ddev exec | -s -d | 0 | elsewhere
heroku run | -a --app -r -s | 0 | elsewhere
minikube ssh | -p -n | 0 | joined elsewhere
multipass exec || 1 | elsewhere
limactl shell || 1 | elsewhere
tsh ssh | -l -p --proxy --cluster | 1 | joined elsewhere
adb shell | -s | 0 | joined elsewhere
wsl | -d -u --distribution --user | 0 |
"""


@cache
def table() -> dict[str, list[_Wrapper]]:
    """Program -> its wrappers, those with the longest subcommand first."""
    found: dict[str, list[_Wrapper]] = {}
    for line in _TABLE.strip().splitlines():
        names, valued, skip, flags = (cell.strip() for cell in line.split("|"))
        words = names.split()
        compound = len(words) > 1 and words[1] in _SUBCOMMANDS
        for name in words[:1] if compound else words:
            sub = tuple(words[1:]) if compound else ()
            wrapper = _Wrapper(sub, frozenset(valued.split()), int(skip), frozenset(flags.split()))
            found.setdefault(name, []).append(wrapper)
    for wrappers in found.values():
        wrappers.sort(key=lambda wrapper: -len(wrapper.sub))
    return found


_SUBCOMMANDS = frozenset({"exec", "x", "dlx", "run", "container", "compose", "rsh", "ssh", "shell"})


def inner(call: Call) -> Inner | None:
    """The command that a wrapper runs; None for any other program, or where there is none."""
    if call.name == "command" and call.args[:1] and call.args[0] in ("-v", "-V"):
        return None  # only says where it is
    for wrapper in table().get(call.name, ()):
        if (found := _unwrap(call, wrapper)) is not None:
            return found
    return None


def _unwrap(call: Call, wrapper: _Wrapper) -> Inner | None:
    args = call.args
    places = _positional(args, wrapper.valued)
    for word in wrapper.sub:
        if (place := next(places, None)) is None or args[place] != word:
            return None
    start = None
    for count, place in enumerate(places):
        after_dashes = place > 0 and args[place - 1] == "--"
        if count >= wrapper.skip or after_dashes:
            start = place
            break
    words = [] if start is None else _command_words(args[start:], wrapper)
    if not words:
        return None
    elsewhere = "elsewhere" in wrapper.flags
    if "joined" in wrapper.flags:
        return Inner(script=" ".join(words), via=call.name, elsewhere=elsewhere)
    return Inner(tuple(words), via=call.name, elsewhere=elsewhere)


def _command_words(words: list[str], wrapper: _Wrapper) -> list[str]:
    """Without assignments before the command, and without the `--` that may stand between."""
    if "assigns" in wrapper.flags:
        while words and assignment(words[0]):
            words = words[1:]
    return words[1:] if wrapper.skip and words[:1] == ["--"] else words


def _positional(args: list[str], valued: frozenset[str]) -> Iterator[int]:
    """Places of the arguments that are neither options nor their values; all of them after `--`."""
    place, size = 0, len(args)
    while place < size:
        arg = args[place]
        if arg == "--":
            yield from range(place + 1, size)
            return
        if len(arg) > 1 and arg[0] in "-+":
            takes_next = arg in valued or (
                arg[1] != "-" and len(arg) > 2 and "-" + arg[-1] in valued and arg[:2] not in valued
            )
            place += 2 if takes_next else 1
            continue
        yield place
        place += 1

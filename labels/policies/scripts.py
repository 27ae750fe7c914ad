"""What a shell script would run, as a policy asks it: every command by itself, and whether all of it can be read off.

Two readings of one text. The generous one finds every command there could be, those that others run (`sudo`, `sh -c`,
`xargs`, `find -exec`) included: rules that hold ask it. The narrow one says that a script is **plain**: it does what
its commands say and nothing else, so that covering each of them covers it. Plain is no script that is too long, hides
a part (substitutions, variables, assignments, functions, here-documents), runs another script or an interpreter, or
writes to a file. Only plain ones are ever approved by a rule.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import NamedTuple

from labels.commands import syntax, unwrap
from labels.commands.call import Call, program_and_args
from labels.commands.calls import Place, calls
from labels.commands.interpreters import language
from labels.commands.script import Script, Simple

#: So much of a script is read, so many commands in it, so deep in each other.
LONGEST, MOST_COMMANDS, DEEPEST = 60_000, 100, 5
#: What a word holds if only running it would show what it is; not in single quotes, nor behind a backslash.
_HIDDEN = re.compile(r"\$[\w({'\"@*#?!-]|`|[<>]\(")
_QUOTED = re.compile(r"\$'|\\.|\"(?:[^\"\\]|\\.)*\"|'[^']*'", re.DOTALL)
#: What may stand between commands: operators, brackets, the words of `if` and `while`, comments.
_JOINS = re.compile(
    r"(?:\s|;|&&?|\|\|?|[(){}!]|\b(?:if|then|else|elif|fi|while|until|do|done)\b|(?<![^\s;&|()])#[^\n]*)*+"
)
_COMMENT = re.compile(r"#[^\n]*")
#: What would make two words of one, or one of two, in a command as a glob sees it.
_BREAKS = re.compile(r"[\s'\"\\]")
#: Redirections that write nothing.
_QUIET = re.compile(r"/dev/(?:null|stdout|stderr|tty)|&?[0-9-]")
#: Programs that may run others and are known by what they are told: opaque only if they are told to.
_TOLD = frozenset(
    "find fd fdfind docker podman nerdctl docker-compose kubectl oc npm pnpm yarn bun bundle poetry uv pipx "
    "pipenv pdm rye hatch pixi conda mamba micromamba asdf rbenv pyenv git make gmake aws az gcloud fly flyctl "
    "nix vagrant ansible salt lxc incus ddev heroku minikube multipass limactl tsh adb command".split()
)
#: Programs that change what later commands mean, or read commands, where no table of wrappers says so.
CHANGES_MEANING = frozenset(
    "source . eval exec trap alias unalias export declare typeset set shopt unset read mapfile".split()
)
_SCRIPTS = re.compile(r"(?:^|/)\.{0,2}[^/]*\.(?:sh|bash|zsh|py|pl|rb|js|ts|php)$")


class Command(NamedTuple):
    """One command. name: of the program, small, without its folder. text: the name and the arguments, quoted where a
    blank is in one, as a glob sees it. cwd: the folder, as far as it is known. inner: run by another command. start,
    end: in the script; of an inner one, where the outer stands. redirects: files that it is given, or writes to."""

    name: str
    args: tuple[str, ...]
    text: str
    cwd: str | None
    inner: bool
    start: int
    end: int
    redirects: tuple[str, ...] = ()


class Shell(NamedTuple):
    """A script read. text: of it. hidden: what of it cannot be read off, runs: what it runs that is no command of it,
    in words; "" for nothing. unread: a part of it was not looked at."""

    text: str
    commands: tuple[Command, ...]
    hidden: str
    runs: str
    unread: bool

    @property
    def opaque(self) -> str:
        """Why it is not plain; "" if it is."""
        return self.hidden or self.runs

    @property
    def plain(self) -> bool:
        return not self.opaque


def read(script: str, cwd: str | None, home: str = "") -> Shell:
    """Read a script. cwd: the folder it runs in, if known. home: what `$HOME` is."""
    text = script[:LONGEST]
    parsed = syntax.read(text)
    known = {"IFS": " ", **({"HOME": home} if home else {}), **({"PWD": cwd} if cwd else {})}
    place = Place(known=dict(known), cwd=cwd)
    found = calls(parsed, text, place)
    commands: list[Command] = []
    for call in found:
        if not _take(call, commands, place, inner=False, depth=0):
            break
    unread = bool(parsed.unread) or len(script) > LONGEST or len(commands) >= MOST_COMMANDS
    if unread:
        return Shell(text, tuple(commands), "it is too long to be read", "", True)
    return Shell(text, tuple(commands), *_opaque(text, parsed, found), False)


def read_words(words: tuple[str, ...], cwd: str | None, home: str = "") -> Shell:
    """A command that is words already, as `execvp` takes them; what `bash -lc SCRIPT` says is the script."""
    if len(words) == 3 and unwrap.is_wrapper(words[0].rsplit("/", 1)[-1]) and re.fullmatch(r"-[a-z]*c", words[1]):
        return read(words[2], cwd, home)
    return read(shlex.join(words), cwd, home)


# -- generous -----------------------------------------------------------------------------------------------------


def _take(call: Call, commands: list[Command], place: Place, *, inner: bool, depth: int) -> bool:
    """Add a command and all that it runs; False if there are too many."""
    text = " ".join([call.name, *map(_quoted, call.args)])
    targets = tuple(item.target for item in call.redirects)
    commands.append(Command(call.name, tuple(call.args), text, call.cwd, inner, call.start, call.end, targets))
    if len(commands) >= MOST_COMMANDS:
        return False
    if depth >= DEEPEST or not unwrap.is_wrapper(call.name):
        return True
    return all(_take(one, commands, place, inner=True, depth=depth + 1) for one in _inner(call, place))


def _quoted(word: str) -> str:
    return shlex.quote(word) if not word or _BREAKS.search(word) else word


def _inner(call: Call, place: Place) -> Iterator[Call]:
    for inner in unwrap.inners(call):
        if inner.script is not None:
            text = inner.script[:LONGEST]
            inside = place.inside(call, text, elsewhere=inner.elsewhere)
            for one in calls(syntax.read(text), text, inside):
                one.start, one.end = call.start, call.end
                yield one
        elif inner.words:
            name, args = program_and_args(list(inner.words))
            cwd = None if inner.elsewhere else call.cwd
            yield Call(name, args, call.start, call.end, reads=call.reads, known=call.known, cwd=cwd)


# -- narrow -------------------------------------------------------------------------------------------------------


def _opaque(text: str, parsed: Script, found: list[Call]) -> tuple[str, str]:
    """What a script hides, and what it runs besides its commands."""
    by_place = {(call.start, call.end): call for call in found}
    runs = ""
    if not _is_all(text, parsed.simples):
        return "more than plain commands", ""
    for simple in parsed.simples:
        call = by_place.get((simple.start, simple.end))
        if why := _hides(simple) or ("" if call is not None else "its shape"):
            return why, runs
        runs = runs or (_runs_more(simple, call) if call is not None else "")
    return "", runs


def _is_all(text: str, simples: list[Simple]) -> bool:
    """Whether a script is its commands and what joins them, all brackets closed. Anything else is a condition, a syntax
    error, or what the parser did not see."""
    gaps, at = [], 0
    for simple in sorted(simples, key=lambda one: one.start):
        gaps.append(text[at : simple.start])
        at = max(at, simple.end)
    gaps.append(text[at:])
    if not all(map(_JOINS.fullmatch, gaps)):
        return False
    left = _COMMENT.sub("", "\n".join(gaps))
    return (bool(simples) or not left.strip()) and all(left.count(a) == left.count(b) for a, b in ("()", "{}"))


def _hides(simple: Simple) -> str:
    """What of a command cannot be read off its text."""
    if simple.kind != "command" or not simple.words:
        return "functions, loops over names and bare redirections"
    if simple.assigns:
        return f"the variable {simple.assigns[0][0][:40]} that is set for it"
    if simple.given:
        return "what is written into it (<<)"
    for word in (*simple.words, *(raw for _, raw in simple.redirects)):
        if _HIDDEN.search(_QUOTED.sub(_unquoted, word)):
            return f"{word[:40]}, which only running it would show"
    for operator, raw in simple.redirects:
        if operator != "<" and not _QUIET.fullmatch(raw.strip("'\"")):
            return f"the file that it writes to ({raw[:40]})"
    return ""


def _unquoted(found: re.Match[str]) -> str:
    """What of a quoted piece a shell looks into: double quotes, and the `$` before a single one."""
    return found[0] if found[0][0] in '$"' else ""


def _runs_more(simple: Simple, call: Call) -> str:
    """What a command runs besides itself."""
    name = call.name
    if simple.words[0] != name:
        return f"{simple.words[0][:40]}, which is not the plain name of a program"
    if name in CHANGES_MEANING or language(name) or _SCRIPTS.search(name):
        return f"what {name} is given to run"
    if any(unwrap.inners(call)) or (unwrap.is_wrapper(name) and name not in _TOLD):
        return f"what {name} runs"
    return ""

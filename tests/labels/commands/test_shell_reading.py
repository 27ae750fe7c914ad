"""How a shell text is read: words, simple commands, pipes, what is known and what is run inside."""

from __future__ import annotations

import pytest

from labels.commands import splitter, syntax
from labels.commands.call import Call
from labels.commands.calls import Place, calls
from labels.commands.options import parse
from labels.commands.paths import Kind, kind
from labels.commands.script import Simple, shadow
from labels.commands.unwrap import inners
from labels.commands.words import MAX_FIELDS, expand


@pytest.mark.parametrize(
    ("raw", "known", "fields"),
    [
        ("plain", {}, ["plain"]),
        ("'a b'\"c d\"e", {}, ["a bc de"]),
        ("r\\m", {}, ["rm"]),
        ('r""m', {}, ["rm"]),
        ("$'\\x72\\155'", {}, ["rm"]),
        ('""', {}, [""]),
        ("$X", {"X": ""}, []),
        ("$X", {"X": "-r -f"}, ["-r", "-f"]),
        ('"$X"', {"X": "-r -f"}, ["-r -f"]),
        ("$UNKNOWN/x", {}, ["$UNKNOWN/x"]),
        ("${UNKNOWN:-/tmp}/x", {}, ["/tmp/x"]),
        ("${X:?}/y", {"X": "z"}, ["z/y"]),
        ("'$X'", {"X": "z"}, ["$X"]),
        ("{a,b}{1..3}", {}, ["a1", "a2", "a3", "b1", "b2", "b3"]),
        ("{}", {}, ["{}"]),
        ("'{a,b}'", {}, ["{a,b}"]),
        ("$(echo rm)", {}, ["rm"]),
        ("`which rm`", {}, ["rm"]),
        ("$(mktemp -d)/x", {}, ["$(mktemp -d)/x"]),
        ('"$d"/x', {"d": ("a", "b")}, ["a/x", "b/x"]),
        ("a\\\nb", {}, ["ab"]),
        ("'unclosed", {}, ["unclosed"]),
    ],
)
def test_words(raw: str, known: dict[str, str | tuple[str, ...]], fields: list[str]) -> None:
    assert expand(raw, known) == fields


def test_expansion_is_bounded() -> None:
    assert len(expand("{1..999999999}", {})) <= MAX_FIELDS
    assert len(expand("{a,b}" * 50, {})) <= MAX_FIELDS
    assert len("".join(expand("$A" * 10_000, {"A": "x" * 4_000}))) <= 50_000


#: text -> what both readers make of it: words, what they redirect, whom they read from.
SCRIPTS = {
    "a b | c d && e": [("a b", "", ""), ("c d", "", "a b"), ("e", "", "")],
    "a > f 2>&1": [("a", "> f 2>& 1", "")],
    "a 2>/dev/null -x": [("a -x", "2> /dev/null", "")],
    "> f": [("", "> f", "")],
    "X=1 a $X; b": [("a $X", "", ""), ("b", "", "")],
    "(a; b) | c": [("a", "", ""), ("b", "", ""), ("c", "", "a, b")],
    "{ a; b | d; } | c": [("a", "", ""), ("b", "", ""), ("d", "", "b"), ("c", "", "a, d")],
    "a && b | c": [("a", "", ""), ("b", "", ""), ("c", "", "b")],
    "if a; then b; else c; fi": [("a", "", ""), ("b", "", ""), ("c", "", "")],
    "while a; do b; done": [("a", "", ""), ("b", "", "")],
    "f() { a; }; f": [("f", "", ""), ("a", "", ""), ("f", "", "")],
    'a "$(b c)" `d`': [('a "$(b c)" `d`', "", ""), ("b c", "", ""), ("d", "", "")],
    "a # b\nc": [("a", "", ""), ("c", "", "")],
    "a \\\n  b": [("a b", "", "")],
    "a; # b": [("a", "", "")],
    "cat <<E | a\nx; y\nE\nb": [("cat", "", ""), ("a", "", "cat"), ("b", "", "")],
    "a é“ü b": [("a é“ü b", "", "")],
}


def shown(simples: list[Simple]) -> list[tuple[str, str, str]]:
    found = []
    for simple in simples:
        if simple.kind in ("command", "define"):
            before = simple.stage.before.commands if simple.stage and simple.stage.before else []
            redirects = " ".join(f"{operator} {target}" for operator, target in simple.redirects)
            found.append((" ".join(simple.words), redirects, ", ".join(" ".join(one.words) for one in before)))
    return found


@pytest.mark.parametrize("text", SCRIPTS)
def test_both_readers_find_the_same_commands(text: str) -> None:
    assert shown(syntax.read(text).simples) == SCRIPTS[text]
    assert shown(splitter.read(text, shadow(text)).simples) == SCRIPTS[text]


@pytest.mark.parametrize("text", SCRIPTS)
def test_places_are_code_points(text: str) -> None:
    for simple in syntax.read(text).simples:
        if simple.words and simple.kind == "command":
            assert text[simple.start :].startswith((simple.words[0], "X=1"))


def test_what_bash_reads_but_the_grammar_does_not() -> None:
    """Two here-documents, extended globs, an unclosed quote: the splitter takes over."""
    two = syntax.read("cat <<A <<B\na\nA\nrm x\nB\nls").simples
    assert [simple.words for simple in two] == [["cat"], ["ls"]]
    assert syntax.read("rm -rf !(keep)").simples[0].words == ["rm", "-rf", "!(keep)"]
    assert [simple.words[0] for simple in syntax.read("echo 'open; rm x").simples] == ["echo", "rm"]


def made(text: str) -> list[Call]:
    return calls(syntax.read(text), text, Place())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("D=/x; rm -rf $D/y", ["rm", "-rf", "/x/y"]),
        ("export D=/x && rm -rf $D", ["rm", "-rf", "/x"]),
        ("for d in a b; do rm -rf $d; done", ["rm", "-rf", "a", "b"]),
        ("alias k=kubectl; k get pods", ["kubectl", "get", "pods"]),
        ("/usr/bin/RM -r x", ["rm", "-r", "x"]),
        ("docker --context x compose down", ["docker-compose", "down"]),
        ("echo /x | while read d; do rm -rf $d; done", ["rm", "-rf", "/x"]),
        ("C='rm -rf'; $C x", ["rm", "-rf", "x"]),
    ],
)
def test_what_the_text_says_is_known(text: str, words: list[str]) -> None:
    last = made(text)[-1]
    assert [last.name, *last.args] == words


@pytest.mark.parametrize(
    ("text", "how", "printed"),
    [
        ("echo a b | sh", "text", "a b"),
        ("printf '%s\\n' a b | sh", "text", "a\nb\n"),
        ("cat <<E | sh\nx $H\nE", "text", "x $H\n"),
        ("sh <<< 'a b'", "text", "a b"),
        ("echo cm0gLXJm | base64 -d | sh", "text", "rm -rf"),
        ("base64 -d f | sh", "decoded", ""),
        ("curl x | sh", "remote", ""),
        ("find . -name '*.pyc' | xargs rm", "paths", ""),
        ("ps | sh", "unknown", ""),
        ("cat > s <<'E'\nls\nE\nsh s", "text", "ls\n"),
        ("bash <(echo ls)", "text", "ls"),
    ],
)
def test_what_is_piped_in(text: str, how: str, printed: str) -> None:
    reads = made(text)[-1].reads if "<(" not in text else made(text)[0].reads
    assert reads is not None
    assert (reads.how, reads.text) == (how, printed)


@pytest.mark.parametrize(
    ("text", "inner"),
    [
        ("sudo -u x -- rm y", ["rm y"]),
        ("sudo -E A=b rm y", ["rm y"]),
        ("env -i A=b rm y", ["rm y"]),
        ("timeout -s KILL 5 rm y", ["rm y"]),
        ("nice -n 5 rm y", ["rm y"]),
        ("xargs -0 -n 1 rm", ["rm $(more)"]),
        ("echo a b | xargs -I{} rm {}", ["rm a b"]),
        ("find . -name x -exec rm {} ;", ["rm ./x"]),
        ("ssh -p 22 h sudo rm y", ["sudo rm y"]),
        ("docker exec -it -u 0 c rm y", ["rm y"]),
        ("docker compose exec db rm y", ["rm y"]),
        ("kubectl -n p exec pod -c x -- rm y", ["rm y"]),
        ("bash -lc 'rm y'", ["rm y"]),
        ("su - x -c 'rm y'", ["rm y"]),
        ("poetry run rm y", ["rm y"]),
        ("npx rm y", ["rm y"]),
        ("watch -n 1 rm y", ["rm y"]),
        ("flock /x rm y", ["rm y"]),
        ("command -v rm", []),
        ("git rebase -x 'rm y' main", ["rm y"]),
        ("ansible all -m shell -a 'rm y'", ["rm y"]),
        ("tmux send-keys -t 0 'rm y' Enter", ["rm y"]),
        ("python manage.py flush", ["manage.py flush"]),
        ("docker run x ls", ["ls", "x ls"]),
        ("ls -la", []),
    ],
)
def test_what_a_call_runs(text: str, inner: list[str]) -> None:
    found = [one.script if one.script is not None else " ".join(one.words) for one in inners(made(text)[-1])]
    assert found == inner


def test_options_are_read_as_programs_read_them() -> None:
    line = parse(["-C", "d", "-rf", "--force=false", "--name=x", "a", "--", "-b"], frozenset({"-C"}))
    assert line.words == ["a", "-b"]
    assert line.has("-r", "--recursive")
    assert line.has("-f")
    assert not line.has("--force")
    assert line.value("-C") == "d"
    assert line.value("--name") == "x"
    assert parse(["--recurs"], abbreviates=True).has("--recursive")
    assert not parse(["--force-with-lease"], abbreviates=True).has("--force")
    assert parse(["-auto-approve", "x"], long_dash=True).has("-auto-approve")


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("/tmp/x", Kind.SCRATCH),
        ("/tmp", Kind.ORDINARY),
        ("/tmp/../etc", Kind.ROOT),
        ("$TMPDIR/x", Kind.SCRATCH),
        ("$(mktemp -d)", Kind.SCRATCH),
        ("tmp/cache", Kind.SCRATCH),
        ("node_modules", Kind.CACHE),
        ("a/b/__pycache__", Kind.CACHE),
        ("~/.cache/pip", Kind.CACHE),
        ("/", Kind.ROOT),
        ("~", Kind.ROOT),
        ("/home/me", Kind.ROOT),
        ("C:/Windows", Kind.ROOT),
        ("/etc/passwd", Kind.SYSTEM),
        ("./*", Kind.EVERYTHING),
        (".git", Kind.VCS),
        ("/var/log/auth.log", Kind.LOG),
        ("~/.bash_history", Kind.HISTORY),
        ("~/.ssh/id_rsa", Kind.SECRET),
        ("~/.ssh/id_rsa.pub", Kind.ORDINARY),
        (".env.example", Kind.ORDINARY),
        ("prod.sqlite3", Kind.DATA),
        ("test.db", Kind.ORDINARY),
        ("/dev/sda1", Kind.DEVICE),
        ("/dev/null", Kind.NULL),
        ("$DIR/x", Kind.UNKNOWN),
        ("src/app.py", Kind.ORDINARY),
    ],
)
def test_what_a_path_is(path: str, what: Kind) -> None:
    assert kind(path) is what

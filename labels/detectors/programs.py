"""What well-known programs do, for `calls`: which ones read, write, run, test and check.

From the programs' own manuals. A program that is not known here and stands alone in a command is one that is run.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from labels.detectors.shell_words import Simple

if TYPE_CHECKING:
    from labels.detectors.calls import Act

#: No use as a check and no change: they move about, wait or speak.
_IDLE = frozenset(
    "cd pushd popd pwd echo printf sleep wait true false export set unset source . exit clear date whoami which type "
    "alias history for done fi esac case in select function return read [ [[ test let umask ulimit trap : time".split()
)
_READERS = frozenset(
    "cat head tail less more bat nl grep egrep fgrep rg ag ack ls find fd wc diff cmp stat file tree jq yq xxd od "
    "strings awk gawk sort uniq cut column sha256sum md5sum du df ps top env printenv lsof ss netstat dig nslookup "
    "ping zcat open goto scroll_down scroll_up search_dir search_file find_file journalctl dmesg".split()
)
_WRITERS = frozenset("tee cp mv install patch dd ln apply_patch edit create insert touch".split())
_TESTERS = frozenset(
    "pytest py.test tox nox nosetests nose2 jest vitest mocha ava rspec phpunit ctest cypress playwright karma jasmine "
    "behave bats busted pest gotestsum cargo-nextest trial stestr minitest".split()
)
_CHECKERS = frozenset(
    "ruff mypy flake8 pylint pyright black isort tsc eslint prettier shellcheck hadolint yamllint jsonlint xmllint gcc "
    "g++ cc clang clang++ rustc javac kotlinc ghc nginx visudo luacheck golangci-lint staticcheck bandit "
    "kubeconform kubeval promtool amtool".split()
)
#: Program -> sub-commands that test, that check (or show the outcome of a change), and that run something.
_BY_SUBCOMMAND: dict[str, tuple[str, str, str]] = {
    "go": ("test", "build vet", "run generate"),
    "cargo": ("test nextest", "build check clippy", "run bench"),
    "npm": ("test t", "", ""),
    "pnpm": ("test t", "", ""),
    "yarn": ("test", "build lint", ""),
    "bun": ("test", "build", "run"),
    "deno": ("test", "check lint", "run"),
    "make": ("test tests check", "", ""),
    "just": ("test check", "", ""),
    "rake": ("test spec", "", ""),
    "mvn": ("test verify integration-test", "compile package", ""),
    "mvnw": ("test verify", "compile package", ""),
    "gradle": ("test check", "build assemble", ""),
    "gradlew": ("test check", "build assemble", ""),
    "dotnet": ("test", "build", "run"),
    "bazel": ("test", "build", "run"),
    "sbt": ("test", "compile", "run"),
    "mix": ("test", "compile", "run"),
    "swift": ("test", "build", "run"),
    "git": ("", "diff status show log", ""),
    "kubectl": ("", "get describe logs top diff wait", "exec"),
    "helm": ("test", "lint status template get list", ""),
    "terraform": ("", "plan validate show", ""),
    "docker": ("", "ps logs inspect images build", "run exec compose"),
    "systemctl": ("", "status is-active show", ""),
    "php": ("", "", ""),
    "dbt": ("test", "compile", "run build"),
}
_READING_GIT = frozenset("diff status show log ls-files blame grep branch remote".split())
_INTERPRETERS = re.compile(r"(?:python|pypy|node|ruby|perl|php|java|deno|bun|lua|Rscript|julia|ts-node|tsx)[\d.]*$")
_TEST_MODULE = frozenset("pytest unittest doctest nose nose2 trial tox behave green".split())
_CHECK_MODULE = frozenset("mypy ruff flake8 pylint pyright compileall py_compile json.tool black".split())
_TEST_SCRIPT = re.compile(r"(?:^|/)(?:run_?)?(?:[\w-]*[_-])?tests?(?:[_-][\w-]*)?(?:\.\w+)?$|(?:^|/)runtests?\.\w+$")
#: A file opened for writing, or written whole, in Python, JavaScript and Ruby.
_CODE_WRITES = re.compile(
    r"""open\(\s*(?:f?["']([^"'\n]{1,200})["']|[\w.\[\]]{1,80})\s*,\s*(?:mode\s*=\s*)?["'][wax]b?\+?["']"""
    r"""|\.write_(?:text|bytes)\(|writeFile(?:Sync)?\(|File\.write\(|\.to_(?:csv|json|parquet|sql|excel)\("""
)


def acts_of(one: Simple) -> tuple[set[Act], list[str], list[str]]:
    """What a simple command does, the files it writes, and the files it reads or names."""
    outputs = [path for path in one.outputs if not path.startswith("/dev/")]
    acts: set[Act] = {"write"} if outputs else set()
    name, arguments = one.program, one.arguments
    reads: list[str] = []
    if name in _IDLE or not name:
        pass
    elif name in ("sed", "perl") and any(word.startswith(("-i", "--in-place", "-pi")) for word in one.words):
        acts.add("write")
        outputs += _edited(one.words)
    elif name in ("sed", *_READERS):
        if not (outputs and one.here):
            acts.add("read")
        reads += [word for word in arguments if _is_path(word)]
    elif name in _WRITERS:
        acts.add("write")
        outputs += arguments[-1:] if name in ("cp", "mv", "install", "ln") else arguments[:20]
    elif name in _BY_SUBCOMMAND:
        acts |= _by_subcommand(name, arguments)
    else:
        more, written = _run(one)
        acts |= more
        outputs += written
        reads += [word for word in arguments if _is_path(word)]
    return acts, outputs, reads


def _edited(words: tuple[str, ...]) -> list[str]:
    """The files that `sed -i` and `perl -pi` edit: what is no option and no script."""
    scripts = [place + 1 for place, word in enumerate(words) if word in ("-e", "-f", "--expression")]
    rest = [word for place, word in enumerate(words) if place not in scripts and not word.startswith("-")]
    return rest if scripts else rest[1:]


def _by_subcommand(name: str, arguments: tuple[str, ...]) -> set[Act]:
    tests, checks, runs = (words.split() for words in _BY_SUBCOMMAND[name])
    first = arguments[0] if arguments else ""
    acts: set[Act] = set()
    if first == "run" and name in ("npm", "pnpm", "yarn", "bun") and len(arguments) > 1:
        script = arguments[1]
        return {"test"} if "test" in script else {"check"}
    if name in ("git", "kubectl", "docker", "systemctl", "helm", "terraform"):
        first = next((word for word in arguments if word in (*tests, *checks, *runs)), first)
        if name == "kubectl" and "rollout" in arguments and "status" in arguments:
            return {"read", "check"}
        if name == "git" and first == "apply":
            return {"write"}
    targets = arguments if name in ("make", "just", "mvn", "mvnw", "gradle", "gradlew") else (first,)
    if any(word.rsplit(":", 1)[-1] in tests for word in targets):
        acts.add("test")
    elif any(word.rsplit(":", 1)[-1] in checks for word in targets):
        acts.add("check")
    elif first in runs or name in ("make", "just", "rake", "mvn", "gradle", "php"):
        acts.add("run")
    if name in ("git", "kubectl", "docker", "systemctl", "helm") and (first in checks or first in _READING_GIT):
        acts.add("read")
    return acts


def _run(one: Simple) -> tuple[set[Act], list[str]]:
    """A program that is run: a test runner, a checker, an interpreter with a script or a module, or anything else."""
    name, arguments = one.program, one.arguments
    if name in _TESTERS:
        return {"test"}, []
    if name in _CHECKERS:
        return {"check"}, []
    if name in ("curl", "wget", "http", "psql", "sqlite3", "mysql", "duckdb", "redis-cli", "mongosh", "aws", "gcloud"):
        return {"run", "read"}, []
    if name in ("rm", "rmdir", "mkdir", "chmod", "chown", "kill", "pkill", "pip", "pip3", "apt", "apt-get", "brew"):
        return set(), []
    if not _INTERPRETERS.match(name):
        return {"test" if _TEST_SCRIPT.search(name) else "run"}, []
    module = one.words[one.words.index("-m") + 1 :][:1] if "-m" in one.words else ()
    if module:
        return {"test" if module[0] in _TEST_MODULE else "check" if module[0] in _CHECK_MODULE else "run"}, []
    if one.here or "-c" in one.words or "-e" in one.words:
        code = one.here or " ".join(one.words)
        written = writes_in_code(code)
        # A script that edits a file is an edit; one that also tells something about it is hard to tell apart.
        return ({"write"} if written else {"run"}), list(written)
    script = arguments[0] if arguments else ""
    if _TEST_SCRIPT.search(script) or (script.endswith("manage.py") and "test" in arguments[1:2]):
        return {"test"}, []
    return {"run"}, []


def writes_in_code(code: str) -> tuple[str, ...]:
    """The files that a piece of code opens for writing; ("",) where it writes one whose name is no literal."""
    found = [match[1] or "" for match in _CODE_WRITES.finditer(code[:20_000])]
    return tuple(found[:20])


def _is_path(word: str) -> bool:
    return ("/" in word or "." in word) and len(word) < 300 and not word.startswith(("$", "http")) and " " not in word

"""Hostile and broken text: a verdict in bounded time, never an exception, and it says where it gave up.

The bounds are generous (a busy machine): what is tested is that time does not grow out of hand. Measured times are in
docs/commands.md.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from typing import Any

import pytest
from helpers import JSON_VALUES, quick
from hypothesis import given
from hypothesis import strategies as st

from labels.commands import Verdict, judge_call, judge_command, judge_sql

N = 10_000
SECONDS = 2.0
_BINARY = bytes(random.Random(1).randrange(256) for _ in range(200_000)).decode("latin1")

TEXTS = {
    "nested substitutions": "$(" * N + "rm -rf /" + ")" * N,
    "open substitutions": "rm " + "$(" * N,
    "quoted substitutions": '"$(' * N + "rm -rf /" + ')"' * N,
    "subshells": "(" * N + "rm -rf x" + ")" * N,
    "groups": "{ " * N + "rm -rf x;" + " }" * N,
    "double quotes": 'rm "' * N,
    "single quotes": "rm '" * N + "x",
    "mixed quotes": "rm \"'" * N,
    "backticks": "rm `" * N,
    "distinct here-documents": "".join(f"rm <<E{number} " for number in range(2_000)),
    "open here-documents": "rm <<EOF\n" * N,
    "pipes": "rm x | " * N,
    "lists": "rm x && " * N,
    "arrays": "rm a=( " * 5_000,
    "tests": "rm [[ ( " * 5_000,
    "functions": "f(){ " * 3_000 + "rm -rf x",
    "a megabyte of words": "a b " * 250_000 + "rm",
    "a megabyte of letters": "a" * 1_000_000 + " rm -rf /",
    "a megabyte of data": "cat > x <<'EOF'\n" + "rm -rf / git reset --hard\n" * 40_000 + "EOF\nls",
    "binary": _BINARY + " rm",
    "surrogates": "rm -rf \ud800/x " * 1_000,
    "no ASCII": "删除 rm -rf 数据 " * 10_000,
    "doubling variables": "A=aaaaaaaaaa;" + "A=$A$A$A$A;" * 30 + "rm $A",
    "many variables": "".join(f"A{number}=rm;" for number in range(5_000)) + "$A1 -rf x",
    "braces": "rm " + "{a,b}" * 50,
    "nested braces": "rm " + "{a," * 5_000 + "}" * 5_000,
    "a range": "rm {1..999999999}",
    "nested shells": 'bash -c "' * 500 + "rm -rf /",
    "nested eval": "eval " * 5_000 + "rm -rf x",
    "nested sudo": "sudo " * 5_000 + "rm -rf x",
    "many actions of find": "find . " + "-exec rm {} \\; " * 5_000,
    "a long script in Python": "python - <<'EOF'\n" + 'os.system("rm -rf x")\n' * 20_000 + "EOF",
    "expressions that double": "python -c 'a=b+b+b+b;b=c+c+c+c;c=d+d+d+d;d=e+e+e+e;e=f+f+f+f;f=g+g;os.remove(a)'",
    "parentheses in Python": "python -c 'os.remove(" + "(" * N + "'",
    "parentheses in SQL": "psql -c 'DELETE FROM x WHERE " + "(" * N + "1=1'",
    "many statements": "psql -c '" + "DELETE FROM x WHERE a=a or b;" * 3_000 + "'",
    "a long WHERE": "psql -c 'DELETE FROM x WHERE " + "a=1 or " * 5_000 + "1'",
    "a decoded megabyte": "echo " + "QUJD" * 200_000 + " | base64 -d | sh",
    "aliases": "".join(f'alias a{number}="a{number + 1}";' for number in range(3_000)) + "a0 rm -rf",
    "a long path": "rm -rf " + "../" * 50_000,
    "a name of logs": "rm " + "audit" * 20_000 + ".log!",
    "NUL": "rm -rf \0/x\0",
    "names that nearly fit": "rm -rf " + " ".join(f"{'dump.' * 190}{number}!" for number in range(32)),
}


@pytest.mark.parametrize("name", TEXTS)
def test_time_is_bounded(name: str) -> None:
    text = TEXTS[name]
    begin = time.process_time()
    verdict = judge_command(text)
    assert time.process_time() - begin < SECONDS
    sound(verdict, text)


@pytest.mark.parametrize("name", ["nested substitutions", "parentheses in SQL", "binary", "mixed quotes"])
def test_time_is_bounded_for_sql_and_code_too(name: str) -> None:
    text = TEXTS[name] + " DELETE FROM x WHERE a = a"
    begin = time.process_time()
    sound(judge_sql(text), text)
    for tool in ("python", "sql", "bash", "node", None):
        sound(judge_call(tool, None, text), text)
    assert time.process_time() - begin < 3 * SECONDS


def sound(verdict: Verdict, text: str) -> None:
    assert 0 <= verdict.start <= verdict.end <= len(text)
    assert verdict.deny == bool(verdict.rule) == bool(verdict.why) == (verdict.severity > 0)
    assert verdict.rule != "opaque.failed", verdict.why


def test_a_fault_in_a_rule_holds_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise RecursionError

    monkeypatch.setattr("labels.commands.registry.judge", fail)
    verdict = judge_command("rm -rf src")
    assert (verdict.deny, verdict.rule) == (True, "opaque.failed")
    assert "RecursionError" in verdict.why


def test_where_it_gives_up_it_says_so() -> None:
    long = judge_command("echo a; " * 30_000 + "rm -rf /")
    assert (long.deny, long.rule) == (True, "opaque.too-long")
    assert "too long to be read" in long.why
    assert not judge_command("echo a; " * 30_000 + "ls").deny
    deep = judge_command("eval " * 40 + "rm -rf src")
    assert (deep.deny, deep.rule) == (True, "opaque.too-deep")
    nested = judge_command("echo " + "$(" * 40 + "rm -rf /" + ")" * 40)
    assert nested.deny
    assert judge_command("base64 -d script | sh").rule == "opaque.decoded-script"


def test_data_in_a_here_document_does_not_hide_what_follows() -> None:
    data = "cat > x <<'EOF'\n" + "hello world\n" * 90_000 + "EOF\n"
    assert judge_command(data + "rm -rf src").rule == "files.delete-tree"
    assert not judge_command(data + "ls").deny


_SYNTAX = [
    *"\"'`\\$(){}[]<>|&;#\n\t !*?~=",
    "<<EOF\n",
    "EOF\n",
    "$(",
    "${",
    "<(",
    "$'",
    "&&",
    "||",
    ">>",
    "\x00",
    "\ud800",
    "é",
]
_WORDS = (
    "rm -rf ,sudo ,bash -c ,git ,reset --hard,psql -c ,DROP TABLE x,DELETE FROM x WHERE ,python -c "
    ",os.remove(,/data,for i in ,do "
    ",done,if ,fi,case x in ,esac,find . -exec ,xargs ,echo ,A=,$A,ssh h "
)
PIECES = st.sampled_from([*_SYNTAX, *_WORDS.split(",")])


@given(st.lists(PIECES, max_size=40).map("".join) | st.text(max_size=60))
@quick(400)
def test_nothing_raises_and_verdicts_are_sound(text: str) -> None:
    sound(judge_command(text), text)
    sound(judge_sql(text), text)
    for tool in ("bash", "python", "sql", "unknown"):
        sound(judge_call(tool, {"command": text, "code": text, "sql": text}, text), text)


@given(st.none() | st.text(max_size=20), JSON_VALUES, st.text(max_size=20))
@quick(200)
def test_any_arguments_of_a_call(name: str | None, arguments: Any, text: str) -> None:
    sound(judge_call(name, arguments, text), text)


@given(st.lists(PIECES, max_size=25).map("".join))
@quick(150)
def test_the_same_text_gets_the_same_verdict(text: str) -> None:
    assert judge_command(text) == judge_command(text)


def test_harmless_commands_load_no_parser() -> None:
    code = (
        "import sys\nfrom labels.commands import judge_command as j\n"
        "assert 'labels.commands.judge' not in sys.modules\n"
        "for c in ('ls -la', 'cat x.py', 'pytest -q', 'git status', 'grep -rn foo src | head', 'npm test', "
        "'docker ps'):\n"
        "    assert not j(c).deny\n"
        "assert not {'tree_sitter', 'sqlglot', 'labels.commands.engine', 'labels.commands.sql'} & sys.modules.keys()\n"
        "assert j('rm -rf src').deny\nassert 'tree_sitter' in sys.modules and 'sqlglot' not in sys.modules\n"
        "assert not {'numpy', 'textual', 'pydantic', 'httpx'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

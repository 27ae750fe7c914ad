import pytest
from helpers import JSON_VALUES, quick
from hypothesis import given
from hypothesis import strategies as st

from sessions import effects
from sessions.effects import changes_world
from sessions.run import arguments_text

COMMANDS = {
    "rm -rf /tmp/x": True,
    "ls && rm x": True,
    "sudo rm x": True,
    "echo hi > file.txt": True,
    "git push origin main": True,
    "git status": False,
    "kubectl delete ns payments": True,
    "kubectl -n prod delete pod x": True,
    "kubectl get pods -n prod": False,
    "helm --namespace prod upgrade app ./chart": True,
    "helm list": False,
    "sed -i s/a/b/ f": True,
    "sed s/a/b/ f": False,
    "psql -c 'DROP TABLE users'": True,
    "psql -c 'SELECT 1'": False,
    "curl -X POST http://x": True,
    "curl http://x": False,
    "make 2>&1": False,
    "make > /dev/null": False,
    "grep rm file": False,
    "cat format.txt": False,
    "echo 'output truncated'": False,
    "\u3000rm x": True,
}


@pytest.mark.parametrize(("command", "expected"), COMMANDS.items())
def test_shell_commands(command: str, expected: bool) -> None:
    assert changes_world("bash", {"command": command}, command) is expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"command": "rm -rf build", "description": "Clean up"}, True),
        ({"command": "ls build", "description": "rm is not run"}, False),
        ({"cmd": "git push", "workdir": "/srv"}, True),
        ({"command": ["bash", "-lc", "cd x && rm y"]}, True),
        ({"command": ["rm", "-rf", "x"]}, True),
        ({"command": ["cat", "x"]}, False),
        ({"timeout": 3}, False),
    ],
)
def test_a_command_is_found_among_the_arguments(arguments: dict, expected: bool) -> None:
    assert changes_world("shell", arguments, arguments_text(arguments)) is expected


WORDS = [
    *(
        "rm",
        "mv",
        "git ",
        "push",
        "log",
        "-C x ",
        "kubectl -n prod ",
        "delete",
        "docker ",
        "stop",
        "pip ",
        "get",
        "helm ",
    ),
    *("DROP TABLE", "insert into", "sudo ", "xargs ", "-i", "sed", "curl ", "-X POST", "terraform apply", "kill"),
    *" \n;&|(\t.-_/>'\"0aZ\x85\xa0\u3000\u65e5\u017f",
]


@quick(500)
@given(st.lists(st.sampled_from(WORDS), max_size=6).map("".join))
def test_looking_for_words_first_changes_no_answer(command: str) -> None:
    slow = any(p.search(command) for p in (effects._COMMAND, effects._REDIRECT, effects._SQL))
    assert effects.command_changes_world(command) is slow


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("Write", {}, True),
        ("mcp__github__delete_file", {}, True),
        ("functions.send_email", {}, True),
        ("cancel_reservation", {}, True),
        ("read_file", {}, False),
        ("get_weather", {}, False),
        ("str_replace_editor", {"command": "view"}, False),
        ("str_replace_editor", {"command": "create"}, True),
        ("never_heard_of", {}, False),
    ],
)
def test_tools_by_name(name: str, arguments: dict, expected: bool) -> None:
    assert changes_world(name, arguments, "") is expected


def test_a_query_tool_is_judged_by_its_sql() -> None:
    assert changes_world("run_sql_query", {}, "delete from users")
    assert not changes_world("run_sql_query", {}, "select * from users")


@quick(200)
@given(st.none() | st.text(max_size=20), JSON_VALUES, st.text())
def test_any_call_gets_an_answer(name: str | None, arguments: object, text: str) -> None:
    assert changes_world(name, arguments, text) in (True, False)

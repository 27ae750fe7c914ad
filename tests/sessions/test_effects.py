import pytest
from helpers import JSON_VALUES, quick
from hypothesis import given
from hypothesis import strategies as st

from sessions.effects import changes_world

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
}


@pytest.mark.parametrize(("command", "expected"), COMMANDS.items())
def test_shell_commands(command: str, expected: bool) -> None:
    assert changes_world("bash", {"command": command}, command) is expected


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

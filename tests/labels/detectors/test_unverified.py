"""No look at the result after the last change."""

import pytest
from hint_runs import bash, call, check_hostile, codex, do, edit, found, mini, numbers, patch, quotes, read, say, user

MODE = "no-or-incomplete-verification"

CHANGES = [
    edit("/srv/src/app.py"),
    patch("Update", "src/app.py"),
    codex("sed -i s/a/b/ src/app.py"),
    mini("cat > src/app.py <<'EOF'\nx = 1\nEOF"),
    call("str_replace_editor", {"command": "str_replace", "path": "src/app.py", "old_str": "a", "new_str": "b"}),
    bash("kubectl apply -f deploy.yaml"),
    call("update_record", {"id": 3, "state": "closed"}, "ok"),
]


@pytest.mark.parametrize("change", CHANGES, ids=[parts[0].text[:25] for parts in CHANGES])
class TestChanges:
    def test_nothing_looks_at_it(self, change):
        (suggestion,) = found("unverified", user("Fix."), do("", bash("cat src/app.py")), do("", change), say("Fixed."))
        assert suggestion.mode == MODE
        assert numbers([suggestion]) == [(3, 4)]

    @pytest.mark.parametrize(
        "look",
        [
            bash("python -m pytest"),
            codex("python src/app.py"),
            read("src/app.py"),
            mini("git diff"),
            bash("kubectl get pods"),
            call("get_record", {"id": 3}),
            call("some_unknown_tool", {}),
        ],
    )
    def test_something_does(self, change, look):
        assert found("unverified", user("Fix."), do("", change), do("", look), say("Fixed.")) == []

    def test_it_owns_up(self, change):
        assert found("unverified", user("Fix."), do("", change), say("Fixed; I have not tested it.")) == []

    def test_a_change_that_failed(self, change):
        failed = [change[0], *change[1:]]
        failed[-1] = type(failed[-1])("tool_result", "error", call_id=change[0].call_id, is_error=True)
        assert found("unverified", user("Fix."), do("", failed), say("Fixed.")) == []

    def test_the_run_breaks_off_there(self, change):
        assert found("unverified", user("Fix."), do("", change)) == []


def test_commits_lists_and_hand_ins_are_no_look():
    steps = [
        do("", bash("git commit -am x")),
        do("", call("TodoWrite", {"todos": []})),
        do("", call("finish", {"m": "x"})),
    ]
    assert found("unverified", user("Fix."), do("", edit("a.py")), *steps, say("Fixed."))


@pytest.mark.parametrize("path", ["README.md", "docs/guide.rst", "notes.txt", "/tmp/try.py", "CHANGELOG"])
def test_documents_and_scratch_need_no_check(path):
    assert found("unverified", user("Write."), do("", edit(path)), say("Written.")) == []


def test_a_check_in_the_same_call():
    for command in (
        "sed -i s/a/b/ app.py && python app.py",
        "cat > x.py <<'E'\na\nE\npython x.py",
        "sed -i s/a/b/ a.py && cat a.py",
    ):
        assert found("unverified", user("Fix."), do("", bash(command)), say("Fixed.")) == []


def test_a_tool_that_answers_with_the_new_state():
    shown = call("update_reservation", {"id": 1}, '{"reservation_id": 1, "state": "' + "x" * 300 + '"}')
    assert found("unverified", user("Change it."), do("", shown), say("Changed.")) == []


def test_what_is_said_at_the_hand_over_counts():
    steps = [user("Fix."), do("", edit("a.py")), say("Fixed the parser."), user("Thanks!"), say("You are welcome.")]
    (suggestion,) = found("unverified", *steps)
    assert numbers([suggestion]) == [(2, 3)]
    assert "Fixed the parser." in quotes(suggestion)
    assert found("unverified", *steps, user("Sure?"), do("", bash("pytest")), say("Yes.")) == []


def test_only_the_last_change_counts():
    steps = [do("", edit("a.py")), do("", bash("pytest")), do("", edit("b.py"))]
    (suggestion,) = found("unverified", user("Fix."), *steps, say("Fixed."))
    assert "b.py" in quotes(suggestion)


def test_hostile_text():
    check_hostile("unverified")

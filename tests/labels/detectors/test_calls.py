"""What a step does, in the tool shapes of the formats."""

import pytest
from hint_runs import bash, call, codex, do, edit, mini, old_codex, patch, read, say

from labels.detecting import numbered
from labels.detectors.calls import Ran, calls_of, executions_of, tool_of
from labels.detectors.deeds import deeds_of
from labels.detectors.outcomes import bad_line, checks_of, verdict_of
from labels.detectors.todos import TodoList
from labels.detectors.words import Passage, likeness, meaningful, passages, sentence_at, sentences, small
from sessions.run import Header, Part, Run, Step


def stored(*steps):
    return numbered(Run(Header("x"), list(steps)))


def only(*parts):
    (one,) = calls_of(stored(do("", *parts))[0])
    return one


SHELLS = [bash, codex, old_codex, mini]


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_is_read_the_same(shell):
    one = only(shell("python -m pytest -q > out.txt", "1 failed", True))
    assert one.command == "python -m pytest -q > out.txt"
    assert one.acts == {"test", "write"}
    assert one.outputs == ("out.txt",)
    assert one.failed is True


ACTS = [
    (read("a.py"), {"read"}, ()),
    (edit("src/a.py"), {"write"}, ("src/a.py",)),
    (patch("Add", "b.py"), {"write"}, ("b.py",)),
    (call("str_replace_editor", {"command": "view", "path": "a.py"}), {"read"}, ()),
    (call("str_replace_editor", {"command": "create", "path": "a.py"}), {"write"}, ("a.py",)),
    (call("functions.write_file", {"path": "a.py", "content": "x"}), {"write"}, ("a.py",)),
    (call("mcp__fs__read_text_file", {"path": "a.py"}), {"read"}, ()),
    (call("TodoWrite", {"todos": []}), {"todo"}, ()),
    (call("update_plan", {"plan": []}), {"todo"}, ()),
    (call("AskUserQuestion", {"question": "?"}), {"ask"}, ()),
    (call("ask_oncall", "what?"), {"ask"}, ()),
    (call("submit", {}), {"finish"}, ()),
    (call("get_user_details", {"user_id": "x"}), {"read"}, ()),
    (call("WebSearch", {"query": "x"}), {"search"}, ()),
    (call("python_execute", {"code": "print(1)"}), {"run"}, ()),
    (call("something_new", {"x": 1}), set(), ()),
    (call("file_change", {"changes": [{"path": "a.py", "kind": "add"}]}), {"write"}, ("a.py",)),
]


@pytest.mark.parametrize(("parts", "acts", "outputs"), ACTS, ids=[row[0][0].name for row in ACTS])
def test_tools(parts, acts, outputs):
    one = only(parts)
    assert one.acts == acts
    assert one.outputs == outputs


def test_names_without_namespace():
    assert tool_of("functions.exec_command") == "exec_command"
    assert tool_of("mcp__server__Do_It") == "do_it"
    assert tool_of(None) == ""


def test_commands_that_are_typed_in_json():
    text = '{"analysis": "x", "commands": [{"keystrokes": "pytest -q\\n"}, {"keystrokes": "cat a.txt\\n"}]}'
    step = Step("agent", "agent", [Part("text", text), Part("tool_result", "2 passed")])
    first, second = calls_of(stored(step)[0])
    assert first.acts == {"test"}
    assert second.acts == {"read"}
    assert first.quote(stored(step)[0]).text in text


def test_results_pair_by_id_and_else_by_order():
    parts = [*bash("a1", None), *bash("b2", None)]
    step = Step(
        "agent",
        "agent",
        [
            *parts,
            Part("tool_result", "B", call_id=parts[1].call_id, is_error=True),
            Part("tool_result", "A", call_id=parts[0].call_id, is_error=False),
        ],
    )
    first, second = calls_of(stored(step)[0])
    assert (first.failed, second.failed) == (False, True)
    plain = Step("agent", "agent", [Part("tool_call", "x", name="bash"), Part("tool_result", "no", is_error=True)])
    assert calls_of(stored(plain)[0])[0].failed is True


def test_code_runs_without_a_call():
    step = Step("Terminal", "environment", [Part("text", "exitcode: 1 (execution failed)\nCode output: x")])
    assert executions_of(stored(step)[0]) == [(0, True)]
    (check,) = checks_of(stored(step)[0])
    assert check.verdict == "fail"


def test_a_quote_of_a_call_is_the_line_with_the_words():
    step = stored(do("", bash("cd /x\nrm -rf data\nls")))[0]
    (one,) = calls_of(step)
    assert one.quote(step, "rm -rf").text == "rm -rf data"
    assert one.quote(step).text == "cd /x"


VERDICTS = [
    ("...F\n1 failed, 3 passed in 0.2s", "fail"),
    ("10 passed in 0.04s", "pass"),
    ("10 passed, 2 xfailed in 0.04s", "pass"),
    ("Ran 3 tests in 0.001s\n\nOK", "pass"),
    ("Ran 3 tests in 0.001s\n\nFAILED (failures=1)", "fail"),
    ("ok  \texample/pkg\t0.01s", "pass"),
    ("--- FAIL: TestX (0.00s)\nFAIL\texample/pkg", "fail"),
    ("test result: ok. 3 passed; 0 failed", "pass"),
    ("test result: FAILED. 2 passed; 1 failed", "fail"),
    ("Tests:       1 failed, 2 passed, 3 total", "fail"),
    ("12 passing (20ms)", "pass"),
    ("3 examples, 0 failures", "pass"),
    ("BUILD FAILURE", "fail"),
    ("Tests run: 5, Failures: 0, Errors: 0", "pass"),
    ("nothing to see", None),
    ("", None),
]


@pytest.mark.parametrize(("text", "verdict"), VERDICTS, ids=[row[0][:20] for row in VERDICTS])
def test_verdicts_of_runners(text, verdict):
    told = verdict_of(text)
    assert (told[0] if told else None) == verdict


def test_a_table_that_calls_one_item_bad():
    text = "customers 10 of 10  ok\norders 5 of 9  short\nstock 3 of 3 ok"
    place = bad_line(text)
    assert text[place:].startswith("orders")
    assert bad_line("a ok\nb ok") is None
    assert bad_line("a missing\nb missing") is None


DEEDS = [
    (bash("rm -rf x"), {"delete"}),
    (bash("git push"), {"push"}),
    (codex("psql -c 'TRUNCATE users'"), {"delete"}),
    (call("run_sql", "UPDATE users SET a = 1"), {"edit"}),
    (bash("kubectl rollout restart deploy/x"), {"restart"}),
    (bash("kubectl rollout status deploy/x"), set()),
    (bash("terraform destroy"), {"delete"}),
    (bash("npm install left-pad"), {"install"}),
    (bash("python manage.py migrate"), {"migrate"}),
    (patch("Delete", "a.py"), {"delete"}),
    (edit("a.py"), {"edit"}),
    (call("cancel_reservation", {"id": 1}), {"delete"}),
    (call("get_reservation", {"id": 1}), set()),
    (bash("grep -rn 'delete from' src"), set()),
    (bash("git commit -m 'drop table users'"), {"commit"}),
    (bash("python - <<'E'\ndb.execute('DELETE FROM a')\nopen('x', 'w')\nE"), {"delete", "create"}),
]


@pytest.mark.parametrize(("parts", "deeds"), DEEDS, ids=[row[0][0].text[:30] for row in DEEDS])
def test_deeds(parts, deeds):
    assert deeds_of(only(parts)) == deeds


ITEMS = [("first", "completed"), ("second", "pending")]
TODOS = [
    call("TodoWrite", {"todos": [{"content": text, "status": state} for text, state in ITEMS]}),
    call("update_plan", {"plan": [{"step": text, "status": state} for text, state in ITEMS]}),
    call("todo_list", {"items": [{"text": text, "completed": state == "completed"} for text, state in ITEMS]}),
    call("write_todos", {"todos": [{"description": text, "status": state} for text, state in ITEMS]}),
    call("task_tracker", {"command": "plan", "task_list": [{"title": text, "status": state} for text, state in ITEMS]}),
]


@pytest.mark.parametrize("parts", TODOS, ids=[parts[0].name for parts in TODOS])
def test_to_do_lists(parts):
    todos = TodoList()
    assert todos.feed(stored(do("", parts))[0])
    assert [item.text for item in todos.left()] == ["second"]
    assert todos.quotes["second"].text == "second"


def test_tasks_that_are_made_and_updated_one_by_one():
    todos = TodoList()
    steps = stored(
        do("", call("TaskCreate", {"subject": "first", "description": "x"}, "Task #1 created successfully: first")),
        do("", call("TaskCreate", {"subject": "second"}, "Task #2 created successfully: second")),
        do("", call("TaskUpdate", {"taskId": "1", "status": "completed"})),
        do("", call("TaskUpdate", {"taskId": "9", "status": "completed"})),
    )
    for step in steps:
        todos.feed(step)
    assert [item.text for item in todos.left()] == ["second"]
    assert [item.text for item in todos.items.values()] == ["first", "second"]


def test_silence_proves_nothing_in_a_log():
    ran = Ran("mast")
    assert not ran.nothing
    ran.feed(stored(Step("a", "agent", [Part("tool_result", "x")]))[0])
    assert ran.nothing
    ran.feed(stored(do("", bash("python x.py")))[0])
    assert not ran.nothing
    assert Ran("ag2").nothing


# -- words --------------------------------------------------------------------------------------------------------


def test_prose_without_code_keeps_its_places():
    text = "Before it.\n```python\nx = 'Do not push.'\n```\nAfter it. Last one"
    (passage,) = passages(stored(say(text))[0])
    assert len(passage.text) == len(text)
    spoken = list(sentences(passage))
    assert [one.text for one in spoken] == ["Before it.", "After it.", "Last one"]
    assert all(text[one.start : one.end] == one.text for one in spoken)


def test_sentences_end_at_list_items_and_not_at_line_breaks():
    text = "One line\nthat goes on.\n- an item\n- another a.py item\n\nA paragraph"
    (passage,) = passages(stored(say(text))[0])
    assert [one.text for one in sentences(passage)] == [
        "One line\nthat goes on.",
        "an item",
        "another a.py item",
        "A paragraph",
    ]


def test_a_long_text_is_looked_at_from_both_ends():
    text = "start. " + "x" * 50_000 + " end."
    first, last = passages(stored(say(text))[0])
    assert first.offset == 0
    assert text[last.offset : last.offset + len(last.text)] == last.text
    assert last.text.endswith("end.")


def test_small_letters_keep_the_length():
    assert len(small("\u0130ABC")) == 4
    assert small("ABC") == "abc"


def test_the_sentence_around_a_place():
    text = "First one. The second one here. Third."
    passage = Passage(0, 0, "text", 0, text, text.lower())
    assert sentence_at(passage, text.index("second")).text == "The second one here."


def test_likeness():
    one = meaningful("should the file say 12950 or 129.50")
    assert likeness(one, meaningful("should the file say 129.50 or 12950?")) == 1
    assert likeness(one, meaningful("what colour")) == 0

"""Shell commands cut into simple commands, and what well-known programs do."""

import time

import pytest
from hint_runs import HOSTILE

from labels.detectors.programs import acts_of
from labels.detectors.shell_words import simple_commands

CUT = [
    ("cd /x && python -m pytest -q 2>&1 | tail -5", [["cd", "/x"], ["python", "-m", "pytest", "-q"], ["tail", "-5"]]),
    ('sudo -u postgres psql -c "DROP TABLE x; SELECT 1"', [["psql", "-c", "DROP TABLE x; SELECT 1"]]),
    ("bash -lc 'git ls-files && cat a.py'", [["git", "ls-files"], ["cat", "a.py"]]),
    ("FOO=1 timeout -k 5 60 make test; echo done", [["make", "test"], ["echo", "done"]]),
    ("uv run -q pytest x", [["pytest", "x"]]),
    ("xargs -n 1 rm < list", [["rm", "list"]]),
    ("find . -name '*.py' | xargs grep x", [["find", ".", "-name", "*.py"], ["grep", "x"]]),
    ("# don't do this\nls", [["ls"]]),
    ("echo 'it''s' a\\ b \"q\\\"z\"", [["echo", "its", "a b", 'q"z']]),
    ("/usr/bin/env python3 x.py", [["python3", "x.py"]]),
    ("ls \\\n  -l", [["ls", "-l"]]),
    ("", []),
    ("'", []),
]


@pytest.mark.parametrize(("command", "expected"), CUT, ids=[row[0][:30] for row in CUT])
def test_cutting(command, expected):
    assert [[one.program, *one.words] for one in simple_commands(command)] == expected


def test_here_documents_and_outputs():
    first, second, third = simple_commands(
        "cat > a.py <<'EOF'\nx && rm y\nEOF\npython3 - <<E | tee -a out.txt\nimport z\nE\n"
    )
    assert (first.program, first.here, first.outputs) == ("cat", "x && rm y\n", ("a.py",))
    assert (second.program, second.here) == ("python3", "import z\n")
    assert (third.program, third.words) == ("tee", ("-a", "out.txt"))


def test_adding_to_a_file_is_told_from_writing_it():
    (one,) = simple_commands("echo a >> x.log 2> err.log")
    assert one.outputs == ("x.log", "err.log")
    assert one.appended == ("x.log",)


def test_places_stand_in_the_command():
    command = "cd /x; sqlite3 a.db 'SELECT 1' && ls"
    assert [command[one.start : one.end] for one in simple_commands(command)] == [
        "cd /x",
        "sqlite3 a.db 'SELECT 1'",
        "ls",
    ]


ACTS = [
    ("pytest -q", {"test"}),
    ("python -m pytest", {"test"}),
    ("python3 -m unittest discover", {"test"}),
    ("npm test", {"test"}),
    ("npm run test:unit", {"test"}),
    ("npm run build", {"check"}),
    ("go test ./...", {"test"}),
    ("cargo test", {"test"}),
    ("make check", {"test"}),
    ("./run_tests.sh", {"test"}),
    ("python manage.py test", {"test"}),
    ("python script.py", {"run"}),
    ("python -c 'print(1)'", {"run"}),
    ("python -c \"open('a.txt', 'w').write('x')\"", {"write"}),
    ("node index.js", {"run"}),
    ("./server --help", {"run"}),
    ("mypy .", {"check"}),
    ("cargo clippy", {"check"}),
    ("cat a.py", {"read"}),
    ("sed -n 1,5p a.py", {"read"}),
    ("sed -i s/a/b/ a.py", {"write"}),
    ("git diff", {"read", "check"}),
    ("git commit -m x", set()),
    ("git apply x.patch", {"write"}),
    ("kubectl rollout status deploy/x", {"read", "check"}),
    ("kubectl delete ns x", set()),
    ("cd /tmp", set()),
    ("sleep 5", set()),
    ("rm -rf build", set()),
    ("echo x > a.txt", {"write"}),
    ("echo x > /dev/null", set()),
    ("cp a b", {"write"}),
    ("curl https://example.org", {"run", "read"}),
    ("edit 3:5 x", {"write"}),
    ("open src/a.py 10", {"read"}),
]


@pytest.mark.parametrize(("command", "expected"), ACTS, ids=[row[0][:30] for row in ACTS])
def test_what_programs_do(command, expected):
    (one,) = simple_commands(command)
    assert acts_of(one)[0] == expected


def test_files_that_are_written():
    for command, expected in [
        ("sed -i -e '/x/d' -e s/a/b/ logs/a.log", ["logs/a.log"]),
        ("sed -i s/a/b/ x.py y.py", ["x.py", "y.py"]),
        ("cp a b/c", ["b/c"]),
        ("tee -a out.txt", ["out.txt"]),
        ("python -c \"open('a.txt', 'w')\"", ["a.txt"]),
    ]:
        (one,) = simple_commands(command)
        assert acts_of(one)[1] == expected


def test_hostile_commands_take_bounded_time():
    for text in HOSTILE:
        began = time.process_time()
        for one in simple_commands(text):
            acts_of(one)
        assert time.process_time() - began < 0.5, text[:20]

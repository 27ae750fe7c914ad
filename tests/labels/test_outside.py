"""What a run did outside its workspace."""

import pytest

from labels.outside import effects
from sessions.bodies import StoredStep
from sessions.run import Part, Step


def step(index: int, command: str, name: str = "bash") -> StoredStep:
    part = Part("tool_call", command, name=name, arguments={"command": command})
    return StoredStep(index, f"s{index}", 0, Step("a", "agent", [part]))


@pytest.mark.parametrize(
    ("command", "what"),
    [
        ("git push origin main", "pushed"),
        ("curl -X POST https://api.example.com/orders -d '{}'", "went to the network"),
        ("helm upgrade shop ./chart", "deployed"),
        ("systemctl restart checkout", "restarted"),
        ('psql -h db.prod -c "UPDATE orders SET cents = 0"', "changed a database"),
        ("mail -s hi bob@example.com < note", "sent"),
    ],
)
def test_what_reaches_beyond_the_folder_is_named(command, what):
    (found,) = effects([step(4, command)])
    assert (found.index, found.what) == (4, what)
    assert command.split()[0] in found.call


@pytest.mark.parametrize(
    "command", ["ls -la", "rm -rf build", "sqlite3 prod.db 'DROP TABLE t'", "git commit -m done", "cat x"]
)
def test_what_stays_in_the_folder_is_not(command):
    assert effects([step(0, command)]) == []


def test_long_and_hostile_calls_are_one_short_line():
    (found,) = effects([step(0, "git push origin " + "x" * 10_000 + "\n\x1b]0;x\x07")])
    assert len(found.call) < 300
    assert "\n" not in found.call

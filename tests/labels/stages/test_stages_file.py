"""Files of stages: what is wrong with one is said in a line, and the page's is one."""

import re
from pathlib import Path

import pytest
from gating import Gates
from helpers import quick
from hypothesis import given
from hypothesis import strategies as st

from labels.stages.check import move_of
from labels.stages.inforce import Declared
from labels.stages.model import STAGES, Requirement, Stage, Stages
from sessions.errors import UserError

PAGE = Path(__file__).resolve().parents[3] / "docs" / "stages.md"


def read(tmp_path: Path, text: str) -> Stages:
    path = tmp_path / "stages.toml"
    path.write_text(text)
    return STAGES.read(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "`stage` is missing"), ("stage = []", "`stage`"), ('[[stage]]\nname = "a/b"', "letters, digits, blanks"),
        ('[[stage]]\nname = "a"\n[[stage]]\nname = "a"', "'a' is used twice"),
        ('[[stage]]\nname = "a"\nshow = []', "did you mean `shows`"),
        ('[[stage]]\nname = "a"\n[[stage.shows]]\nid = "x"', "must say just one of command, tool, file, approver"),
        ('[[stage]]\nname = "a"\n[[stage.shows]]\nid = "x"\ntool = "t"\nfile = "f"', "must say just one"),
        ('[[stage]]\nname = "a"\n[[stage.shows]]\nid = "x"\ntool = "t"\nchanged = true', "changed belongs to a file"),
        ('[[stage]]\nname = "a"\n[[stage.shows]]\nid = "x"\nfile = "../f"', "below the workspace"),
        ('[[stage]]\nname = "a"\n[[stage.shows]]\nid = "x"\nfile = "/f"', "below the workspace"),
        ('[[stage]]\nname = "a"\nshows = [{id = "x", tool = "t"}, {id = "x", tool = "u"}]', "used twice in this stage"),
        ('[[stage]]\nname = "a"\napprovers = ["x"]\napprovals = 2', "2 people must approve, and only 1 may"),
        ('[[stage]]\nname = "a"\napprovers = ["x"]\nshows = [{id = "y", approver = "z"}]',
        "'z' is none of its approvers"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_a_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UserError) as caught:
        read(tmp_path, text)
    assert words in caught.value.message
    assert "\n" not in caught.value.message


def test_the_page_shows_a_file_that_works(tmp_path: Path, gates: Gates, stages) -> None:
    text = re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)[0]
    found = read(tmp_path, text)
    assert [stage.name for stage in found.stages] == ["diagnose", "repair", "deploy"]
    used = {name for stage in found.stages for name in stage.model_fields_set}
    assert used == set(Stage.model_fields)
    assert {name for stage in found.stages for item in stage.shows for name in item.model_fields_set} == set(
        Requirement.model_fields
    )
    stages(text)
    opened = gates.ask(stage="repair")
    assert opened.holding == {"stage:diagnose:looked", "stage:diagnose:cause"}
    assert "the state of the cluster was looked at" in opened.reason("stage:diagnose:looked")


NAMES = ["a", "b", "c", "d"]
FOUR = Stages.model_validate({"stage": [{"name": name} for name in NAMES]})


@quick(300)
@given(st.sampled_from([None, *NAMES, "gone"]), st.sampled_from([None, *NAMES, "x"]), st.booleans())
def test_the_moves(at: str | None, to: str | None, final: bool) -> None:
    """Forward one, back, and nothing else is free of faults; both ends are stages whatever an agent says."""
    move = move_of(Declared(FOUR, Path("x"), ""), at, to, final=final)
    start = NAMES.index(at) if at in NAMES else 0
    assert move.start == start
    if to not in NAMES:
        assert (move.end, bool(move.missing)) == (start, True)
        return
    end = NAMES.index(to)
    assert move.end == end
    free = at != "gone" and end <= start + 1 and (not final or end == 3)
    assert bool(move.missing) != free
    assert (start in move.leaves) == (end > start or (final and end == start))
    assert (end in move.leaves) == final

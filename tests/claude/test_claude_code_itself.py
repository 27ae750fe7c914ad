"""The real Claude Code under review: what it does when a hook, or `review-tui run`, says no, not so, or go back."""

import pytest
from claude_tools import calls
from program import PROGRAM

from labels.operating import Said
from sessions.ingest import import_file
from sessions.run import Flag

pytestmark = [pytest.mark.claude, pytest.mark.timeout(240)]


def append(number: int) -> list:
    return calls(f"echo step {number} >> journal.txt")


def test_an_approved_session_runs_to_its_end_and_is_the_run_of_its_file(claude):
    claude.install("--chunks", "every:2")
    session = claude.run(append(1), append(2), append(3), "All done.")
    assert session.code == 0, session
    assert session.out.strip() == "All done."
    assert claude.file("journal.txt") == "step 1\nstep 2\nstep 3\n"
    assert len(session.gates) >= 2
    (run,) = claude.runs
    assert run.complete
    assert run.task == "Keep the journal."
    (path,) = (claude.folder / "home" / ".claude" / "projects").glob("*/*.jsonl")
    (imported,) = import_file(claude.store, path).runs
    assert (imported.outcome, imported.run) == ("linked", run.id)


def test_a_rejected_call_is_not_made_and_the_model_hears_why(claude):
    claude.install()
    session = claude.run(calls("rm -rf ./data"), append(2), "Done.", script=(Said("reject", message="Keep the data."),))
    assert session.code == 0, session
    assert "Keep the data." in session.heard[1]
    assert claude.file("journal.txt") == "step 2\n"
    assert [call["arguments"]["command"] for call in session.gates[0].proposed] == ["rm -rf ./data"]


def test_an_edited_call_is_made_as_it_was_changed(claude):
    claude.install()
    edited = [{"name": "Bash", "arguments": {"command": "echo instead > journal.txt", "description": "x"}}]
    said = Said("approve", message="This will do.", edited=edited)
    session = claude.run(calls("rm -rf ./data"), "Done.", script=(said,))
    assert session.code == 0, session
    assert claude.file("journal.txt") == "instead\n"
    assert "This will do." in session.heard[1]


def test_a_rollback_takes_files_back_and_the_model_goes_on_otherwise(claude):
    claude.install("--chunks", "every:3")
    (claude.workspace / "kept.bin").write_bytes(bytes(range(256)))
    back = Said("rollback", to="1", message="You lost the thread.")
    session = claude.run(
        append(1), append(2), append(3), calls("rm kept.bin; echo bad > bad.txt"), append(5), append(6), "Done.",
        script=(Said("approve"), back),
    )  # fmt: skip
    assert session.code == 0, session
    assert (claude.workspace / "kept.bin").read_bytes() == bytes(range(256))
    assert claude.file("bad.txt") is None
    heard = next(text for text in session.heard if "You lost the thread." in text)
    assert "was taken back to snapshot" in heard
    run = claude.runs[0]
    abandoned = claude.store.query("SELECT count(*) FROM step WHERE flags & ? <> 0", [int(Flag.ABANDONED)])[0][0]
    assert abandoned >= 2
    assert run.complete


def test_at_the_end_of_its_turn_it_is_sent_back_to_work(claude):
    claude.install()
    session = claude.run(
        append(1), "All done!", append(2), "Now it is.", script=(Said("reject", message="You have tested nothing."),)
    )
    assert session.code == 0, session
    assert any("You have tested nothing." in text for text in session.heard)
    assert claude.file("journal.txt") == "step 1\nstep 2\n"
    assert session.out.strip() == "Now it is."


def test_a_stop_ends_it(claude):
    claude.install()
    session = claude.run(calls("rm -rf ./data"), append(2), "Done.", script=(Said("stop", message="Enough."),))
    assert claude.file("journal.txt") is None
    assert len(session.heard) == 1, "the model is not asked again"
    assert claude.runs[0].complete


def test_without_a_database_no_call_is_made(claude):
    claude.install()
    claude.store.close()
    for path in claude.folder.glob("review.db*"):
        path.unlink()
    claude.store = type(claude.store).open(claude.folder / "another.db")
    session = claude.run(append(1), "I could not.")
    assert claude.file("journal.txt") is None
    assert "there is no database" in session.heard[1]


def test_a_hook_that_is_not_there_lets_nothing_through(claude):
    claude.install()
    path = claude.folder / "home" / ".claude" / "settings.json"
    path.write_text(path.read_text().replace(PROGRAM[0], "/nowhere/python"))
    claude.run(append(1), "I could not.")
    assert claude.file("journal.txt") is None


def test_run_holds_it_by_its_session_file(claude):
    under = (*PROGRAM, "run", "--db", str(claude.db), "--run", "r", "--chunks", "every:2", "--")
    session = claude.run(append(1), append(2), append(3), "All done.", under=under)
    assert session.code == 0, session
    assert session.out.strip() == "All done."
    assert "waits at gate 1" in session.err
    assert claude.file("journal.txt") == "step 1\nstep 2\nstep 3\n"
    gates = claude.gates()
    assert len(gates) >= 2
    assert gates[-1].final
    assert gates[0].snapshot_facts["processes"], "what stands still is told"
    shown = [index for gate in gates for index in range(gate.first, gate.last + 1)]
    assert shown == list(range(claude.runs[0].steps))


def test_run_rolls_it_back_and_ends_it(claude):
    (claude.workspace / "journal.txt").write_text("as it was\n")
    under = (*PROGRAM, "run", "--db", str(claude.db), "--run", "r", "--chunks", "every:2", "--")
    session = claude.run(
        append(1), append(2), append(3), "All done.", under=under, script=(Said("rollback", to="start", message="No."),)
    )
    assert session.code == 10, session
    assert claude.file("journal.txt") == "as it was\n"
    assert "Keep the journal." in session.err


def test_under_run_with_hooks_only_the_hooks_open_gates(claude):
    claude.install("--chunks", "every:2")
    under = (*PROGRAM, "run", "--db", str(claude.db), "--run", "r", "--chunks", "every:1", "--")
    session = claude.run(append(1), append(2), "All done.", under=under)
    assert session.code == 0, session
    assert [gate.agent for gate in claude.gates()] == ["claude-code"] * len(claude.gates())
    assert len(claude.runs) == 1
    shown = [index for gate in claude.gates() for index in range(gate.first, gate.last + 1)]
    assert shown == list(range(claude.runs[0].steps))

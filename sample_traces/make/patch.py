"""The `apply_patch` tool of Codex, as far as the scripts need it: files are added, or blocks of lines are replaced."""

from __future__ import annotations

from sample_traces.make.framework import Result, Sandbox, Tool


def apply_patch(patch: str) -> Tool:
    """A call of `apply_patch` with this text."""
    return Tool("apply_patch", patch, lambda sandbox: _apply(sandbox, patch))


def _apply(sandbox: Sandbox, patch: str) -> Result:
    done: list[str] = []
    for section in patch.split("\n*** ")[1:]:
        head, _, body = section.partition("\n")
        action, _, name = head.partition(" File: ")
        if action == "Add":
            sandbox.file(name, "".join(f"{line[1:]}\n" for line in body.splitlines()))
            done.append(f"A {name}")
        elif action == "Update":
            text = (sandbox.work / name).read_text()
            for hunk in body.split("@@\n")[1:]:
                lines = hunk.splitlines()
                old = "".join(f"{line[1:]}\n" for line in lines if line[:1] in ("-", " "))
                new = "".join(f"{line[1:]}\n" for line in lines if line[:1] in ("+", " "))
                if text.count(old) != 1:
                    return Result(f"Failed to find expected lines in {name}:\n{old}", 1)
                text = text.replace(old, new)
            sandbox.file(name, text)
            done.append(f"M {name}")
    return Result("Success. Updated the following files:\n" + "\n".join(done))

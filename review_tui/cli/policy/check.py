"""`review-tui policy check [FILE]`."""

from __future__ import annotations

from pathlib import Path

import click

from review_tui.cli import output
from review_tui.cli.guard import DONE, FAILED
from review_tui.cli.settings import PATH, json_option
from sessions.errors import UserError


@click.command("check")
@click.argument("file", required=False, type=PATH)
@json_option
def command(file: Path | None, as_json: bool) -> int:
    """Say whether FILE is a policy that can be used (without: the one in force), one line for each fault of it and of
    the files of stages that it names."""
    from labels.policies import inforce
    from labels.policies.model import POLICY

    path = file or inforce.policy_path()
    faults = _faults(path)
    tag = None if faults else POLICY.read(path).hash[: inforce.TAG]
    if as_json:
        output.emit("policy-check", {"path": str(path), "ok": not faults, "tag": tag, "faults": faults})
    elif not faults:
        output.line(f"{path}: can be used, content {tag}")
    for fault in faults:
        output.note(f"review-tui: {fault}")
    return FAILED if faults else DONE


def _faults(path: Path) -> list[str]:
    """Every fault of a policy, and of the stages that it names."""
    from labels.policies.model import POLICY
    from labels.stages.model import STAGES

    try:
        faults = POLICY.faults(path)
        if faults:
            return [f"{fault}." for fault in faults]
        named = [path.absolute().parent / Path(item.file).expanduser() for item in POLICY.read(path).stages]
        return [f"{fault}." for file in dict.fromkeys(named) for fault in STAGES.faults(file)]
    except UserError as error:
        return [str(error)]

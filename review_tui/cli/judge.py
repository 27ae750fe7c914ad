"""`review-tui judge RUN...`: what an LLM judge would be sent and cost, and with --yes, sending it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from review_tui.cli import judge_text, output
from review_tui.cli.guard import DONE, FAILED
from review_tui.cli.named import runs_of
from review_tui.cli.settings import PATH, WORDS, Settings, db_option, json_option, reviewer_option, settings, yes_option
from sessions.errors import UserError

if TYPE_CHECKING:
    from labels.codebook import Codebook
    from labels.judge.config import JudgeConfig
    from labels.judge.run import Judge, Judged, RunPlan
    from sessions.catalog import RunInfo

#: Judged with where none is named.
DEFAULT_CODEBOOK = "mast"


@click.command("judge")
@click.argument("runs", nargs=-1, required=True, type=WORDS, metavar="RUN...")
@click.option("--endpoint", type=WORDS, metavar="URL", help="An OpenAI-compatible endpoint, such as https://host/v1.")
@click.option("--model", type=WORDS, metavar="NAME", help="The model to ask.")
@click.option(
    "--codebook",
    "codebooks",
    type=WORDS,
    multiple=True,
    metavar="ID|PATH",
    help=f"The modes to look for: a codebook's id or file. Repeatable. Default: {DEFAULT_CODEBOOK}.",
)
@click.option("--votes", type=click.Choice(["1", "3"]), help="3: ask again on fatal and doubtful modes. Default: 1.")
@click.option("--cap-usd", type=float, metavar="X", help="Stop before more dollars are spent, over all runs.")
@click.option("--cap-tokens", type=int, metavar="N", help="Stop before more tokens are used, over all runs.")
@click.option("--run-cap-usd", type=float, metavar="X", help="The same for each run; the next one is then judged.")
@click.option("--run-cap-tokens", type=int, metavar="N", help="The same for each run.")
@click.option("--price-in", type=float, metavar="X", help="Dollars for a million tokens read.")
@click.option("--price-out", type=float, metavar="X", help="Dollars for a million tokens written.")
@click.option("--window", "window_tokens", type=int, metavar="N", help="Tokens of the run in one request (60000).")
@click.option("--part-chars", type=int, metavar="N", help="Longer parts lose their middle (20000; 0: never).")
@click.option("--max-output", type=int, metavar="N", help="Tokens of an answer, at most (4000).")
@click.option("--key-env", type=WORDS, metavar="NAME", help="The variable with the key (REVIEW_TUI_JUDGE_KEY).")
@click.option("--allow-http", is_flag=True, default=None, help="Send unencrypted to another machine.")
@click.option("--config", type=PATH, metavar="PATH", help="Settings in a TOML file; also $REVIEW_TUI_JUDGE_CONFIG.")
@click.option("--preview", is_flag=True, help="Show the text as it would be sent.")
@yes_option
@db_option
@reviewer_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    runs: tuple[str, ...],
    codebooks: tuple[str, ...],
    votes: str | None,
    config: Path | None,
    preview: bool,
    yes: bool,
    as_json: bool,
    **options: Any,
) -> int:
    """Ask a language model which failure modes each RUN shows.

    Without --yes nothing leaves this machine: what would be sent where, how much was hidden in it, and what it may cost
    is printed, with --preview the text itself. With --yes it is sent, and what the model claims becomes suggestions
    where its quotes are found in the run. Answers are kept: a second call only sends what is missing.

    Settings also come from $REVIEW_TUI_JUDGE_ENDPOINT, _MODEL and so on, or from a TOML file. RUN is named as for
    `show`; a file that is not in the database yet is imported first, and so are
    the runs in a folder.
    """
    from labels.judge.config import load_config
    from labels.judge.run import Judge

    given = settings(ctx)
    chosen = load_config({**options, "votes": int(votes) if votes else None}, config)
    books = _books(given, codebooks)
    if yes:
        _check(chosen)
    store = given.store(ctx, create=any(Path(text).exists() for text in runs))
    found = list({run.id: run for text in runs for run in runs_of(store, text)}.values())
    judge = Judge(store, books, chosen)
    if not yes:
        _plan(judge, found, preview=preview, as_json=as_json)
        return DONE
    return _send(judge, found, given.reviewer_name(), as_json=as_json)


def _books(given: Settings, named: tuple[str, ...]) -> list[Codebook]:
    """The codebooks that are meant, by id or by file. Raises UsageError, UserError."""
    from labels.codebook import load

    ids = []
    for text in named or (DEFAULT_CODEBOOK,):
        path = Path(text)
        if path.suffix == ".toml" or path.is_file():
            ids.append(load(path).id)
            given.codebooks = (*given.codebooks, path)
        else:
            ids.append(text)
    loaded = given.load_codebooks()
    return [loaded.get(item) for item in dict.fromkeys(ids)]


def _check(config: JudgeConfig) -> None:
    """What has to be known before anything is sent."""
    if not config.endpoint:
        raise UserError("no endpoint is set: nothing was sent.", "Name one with --endpoint URL.")
    if not config.model:
        raise UserError("no model is set: nothing was sent.", "Name one with --model NAME.")
    _ = config.key()


# -- before ---------------------------------------------------------------------------------------------------------


def _plan(judge: Judge, runs: list[RunInfo], *, preview: bool, as_json: bool) -> None:
    plans: list[RunPlan] = []
    for run in runs:
        output.note(f"reading run {run.id[:8]} ...")
        plans.append(judge.plan(run))
    shown = [(run, list(judge_text.requests(judge, run))) for run in runs] if preview and as_json else None
    if as_json:
        output.emit("judge", judge_text.plan_json(judge, plans, shown))
        return
    judge_text.print_plan(judge, plans)
    if preview:
        for run in runs:
            judge_text.print_preview(judge, run)


# -- sending --------------------------------------------------------------------------------------------------------


def _send(judge: Judge, runs: list[RunInfo], reviewer: str, *, as_json: bool) -> int:
    from labels.judge.client import Client
    from labels.judge.cost import Budget, CapReached

    judge.client = Client(judge.config, judge.config.key(), on_wait=judge_text.note_wait)
    judge.budget = Budget(judge.config)
    judge.on_answer = lambda judged: judge_text.note_progress(judge, judged)
    done: list[Judged] = []
    for run in runs:
        output.note(f"run {run.id[:8]}: sending to {judge.config.host} ...")
        try:
            judged = judge.judge(run)
        except KeyboardInterrupt:
            output.note("review-tui: interrupted. What was answered is kept: the same call goes on from there.")
            raise
        done.append(judged)
        stopped = judged.stopped
        if stopped is not None and not (isinstance(stopped, CapReached) and not stopped.whole):
            break
    if as_json:
        output.emit("judge", judge_text.judged_json(judge, done, len(runs), reviewer))
    else:
        judge_text.print_judged(judge, done, reviewer)
    return _close(done, len(runs))


def _close(done: list[Judged], total: int) -> int:
    """Say what is missing; the exit code."""
    for judged in done:
        for line in judged.failed:
            output.note(f"review-tui: run {judged.run.id[:8]}: no usable answer on {line}.")
        if judged.stopped is not None:
            output.note(f"review-tui: run {judged.run.id[:8]}: {judged.stopped}")
    if len(done) < total:
        output.note(f"review-tui: {output.count(total - len(done), 'run')} not judged.")
    return DONE if len(done) == total and all(judged.complete for judged in done) else FAILED

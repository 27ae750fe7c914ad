"""What `review-tui judge` prints: the plan, the text as it would be sent, progress, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any

from review_tui.cli import output
from review_tui.cli.detect import looked_at, print_document, suggestion_json

if TYPE_CHECKING:
    from labels.judge.cost import Spent
    from labels.judge.pieces import Omitted
    from labels.judge.run import Amount, Call, Judge, Judged, RunPlan
    from sessions.catalog import RunInfo

# -- the plan -------------------------------------------------------------------------------------------------------


def print_plan(judge: Judge, plans: list[RunPlan]) -> None:
    """What would be sent where, and what it may cost."""
    config = judge.config
    where = config.url if config.endpoint else "nowhere yet: no endpoint is set (--endpoint URL)"
    output.line(f"to: {where}")
    output.line(f"model: {config.model or 'none is set (--model NAME)'}")
    output.line(f"codebooks: {', '.join(f'{book.id} {book.version}' for book in judge.books)}")
    for plan in plans:
        output.line()
        output.line(f"run {plan.run.id[:8]}  {plan.run.title or '(no title)'}")
        kept = f", {plan.cached} answered before" if plan.cached else ""
        output.line(f"  {output.count(plan.run.steps, 'step')} in {output.count(plan.windows, 'part')}{kept}")
        output.line(f"  to send: {_amount(judge, plan.send)}")
        if plan.votes.calls:
            output.line(f"  second and third votes: at most {_amount(judge, plan.votes)} more")
        output.line(f"  hidden: {_counts(plan.redacted) or 'nothing that looks secret or personal was found'}")
        for line in _omissions(plan.omitted):
            output.line(f"  left out: {line}")
    output.line()
    if len(plans) > 1:
        output.line(f"all: {_amount(judge, _sum(plan.send for plan in plans))}")
    output.line(
        "Tokens are estimated (a token for 4 characters), answers at 600 tokens. Nothing was sent; --yes sends."
    )


def _amount(judge: Judge, amount: Amount) -> str:
    from labels.judge.cost import dollars

    if not amount.calls:
        return "nothing"
    price = dollars(judge.config.cost(amount.tokens_in, amount.tokens_out))
    requests = output.count(amount.calls, "request")
    return f"{requests}, about {amount.tokens_in:,} tokens and {amount.tokens_out:,} for the answers, {price}"


def _sum(amounts: Iterable[Amount]) -> Amount:
    from labels.judge.run import Amount

    every = list(amounts)
    return Amount(
        sum(item.calls for item in every),
        sum(item.tokens_in for item in every),
        sum(item.tokens_out for item in every),
    )


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {kind}" for kind, number in sorted(counts.items()))


def _omissions(omitted: Omitted) -> Iterator[str]:
    if omitted.parts:
        yield f"the middle of {output.count(omitted.parts, 'long part')} ({omitted.chars:,} characters)"
    if omitted.records:
        yield f"{output.count(omitted.records, 'record')} of the source that no reader knows"
    if omitted.task:
        yield f"the end of the task ({omitted.task:,} characters) where it is repeated"


def requests(judge: Judge, run: RunInfo) -> Iterator[Call]:
    """The first requests on a run, as they would be sent."""
    return judge.calls(judge.prepare(run))


def print_preview(judge: Judge, run: RunInfo) -> None:
    """The text as it would be sent: rules and definitions once, then each part of the run once."""
    for number, calls in groupby(requests(judge, run), key=lambda call: call.window.number):
        for place, call in enumerate(calls):
            rules, asked = (message["content"] for message in call.messages)
            if number == 1 and not place:
                _print_text(f"run {run.id[:8]}: the rules, sent with every request", rules)
            if number == 1:
                _print_text(f"asked of every part: {call.group.name}", asked.removesuffix(call.window.text).rstrip())
        _print_text(f"part {number}, about {call.window.tokens:,} tokens", call.window.text)


def _print_text(heading: str, text: str) -> None:
    output.line()
    output.line(f"=== {heading}")
    output.block(text)


def plan_json(judge: Judge, plans: list[RunPlan], shown: list[tuple[RunInfo, list[Call]]] | None) -> dict[str, Any]:
    """The plan as JSON. shown: the requests, where they were asked for."""
    document = {
        **_head(judge, sent=False),
        "runs": [
            {
                "run": plan.run.id, "steps": plan.run.steps, "parts": plan.windows, "cached_calls": plan.cached,
                **_amount_json(judge, plan.send), "more_votes_at_most": _amount_json(judge, plan.votes),
                "redacted": plan.redacted,
                "omitted": {
                    "parts": plan.omitted.parts, "chars": plan.omitted.chars, "records": plan.omitted.records,
                    "task_chars": plan.omitted.task,
                },
            }
            for plan in plans
        ],
        "total": _amount_json(judge, _sum(plan.send for plan in plans)),
    }  # fmt: skip
    if shown is not None:
        document["preview"] = [
            {
                "run": run.id, "part": call.window.number, "codebook": call.group.book.id,
                "modes": [mode.slug for mode in call.group.modes], "messages": call.messages,
            }
            for run, calls in shown
            for call in calls
        ]  # fmt: skip
    return document


def _head(judge: Judge, *, sent: bool) -> dict[str, Any]:
    config = judge.config
    return {
        "sent": sent, "endpoint": config.url if config.endpoint else None, "model": config.model or None,
        "detector": config.detector if config.model else None,
        "codebooks": [{"id": book.id, "version": book.version, "sha256": book.hash} for book in judge.books],
    }  # fmt: skip


def _amount_json(judge: Judge, amount: Amount) -> dict[str, Any]:
    return {
        "calls": amount.calls, "tokens_in": amount.tokens_in, "tokens_out": amount.tokens_out,
        "usd": judge.config.cost(amount.tokens_in, amount.tokens_out),
    }  # fmt: skip


# -- meanwhile ------------------------------------------------------------------------------------------------------


def note_wait(reason: str, seconds: float) -> None:
    output.note(f"  the endpoint {reason}; trying again in {seconds:.0f} s ...")


def note_progress(judge: Judge, judged: Judged) -> None:
    assert judge.budget is not None
    kept = f", {judged.cached} answers from before" if judged.cached else ""
    output.note(
        f"  run {judged.run.id[:8]}: {output.count(judged.calls, 'request')}{kept}; {_spent(judge, judge.budget.total)}"
    )


def _spent(judge: Judge, spent: Spent) -> str:
    from labels.judge.cost import dollars

    guessed = f" ({spent.guessed:,} of them by estimate)" if spent.guessed else ""
    price = dollars(judge.config.cost(spent.tokens_in, spent.tokens_out))
    return f"{spent.tokens_in:,} + {spent.tokens_out:,} tokens{guessed}, {price} so far"


# -- afterwards -----------------------------------------------------------------------------------------------------


def print_judged(judge: Judge, done: list[Judged], reviewer: str) -> None:
    for judged in done:
        _print_found(judge, judged, reviewer)
        if dropped := sum(judged.dropped.values()):
            output.line(f"{output.count(dropped, 'claim')} thrown away: {_counts(judged.dropped)}")
        if judged.unanswered:
            output.line(f"no word on: {', '.join(sorted(judged.unanswered))}")
    assert judge.budget is not None
    output.line(f"used: {_spent(judge, judge.budget.total).removesuffix(' so far')}")


def _print_found(judge: Judge, judged: Judged, reviewer: str) -> None:
    run, found, hidden, looks = looked_at(judge.store, judged.run, reviewer, {judge.config.detector})
    if judged.complete or found or hidden:
        print_document(run, found, hidden, [look for look in looks if look.state == "done"])


def judged_json(judge: Judge, done: list[Judged], asked: int, reviewer: str) -> dict[str, Any]:
    """What came of it as JSON. Suggestions that this reviewer may not see yet are only counted."""
    assert judge.budget is not None
    spent = judge.budget.total
    runs, suggestions = [], []
    for judged in done:
        run, found, hidden, _ = looked_at(judge.store, judged.run, reviewer, {judge.config.detector})
        suggestions += [suggestion_json(run, item) for item in found]
        runs.append(
            {
                "run": run.id, "complete": judged.complete, "calls": judged.calls, "cached_calls": judged.cached,
                "suggestions": len(found), "hidden": hidden, "dropped": dict(sorted(judged.dropped.items())),
                "quotes": dict(sorted(judged.quotes.items())), "unanswered": sorted(judged.unanswered),
                "failed": judged.failed, "stopped": str(judged.stopped) if judged.stopped else None,
                "seconds": round(judged.seconds, 3),
            }
        )  # fmt: skip
    return {
        **_head(judge, sent=True),
        "runs": runs,
        "not_judged": asked - len(done),
        "total": {
            "calls": spent.calls, "tokens_in": spent.tokens_in, "tokens_out": spent.tokens_out,
            "tokens_by_estimate": spent.guessed, "usd": judge.config.cost(spent.tokens_in, spent.tokens_out),
        },
        "suggestions": suggestions,
    }  # fmt: skip

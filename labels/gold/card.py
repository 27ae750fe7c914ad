"""README.md of a release: what a user of the data set must know, in the order of a datasheet (Gebru et al. 2021)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from labels.gold.books import Books
from labels.gold.tables import STATES, Tables


def text(content: dict[str, Any], tables: Tables, books: Books) -> str:
    """The card. content: of the manifest."""
    return "\n".join(_lines(content, tables, books)) + "\n"


def _lines(content: dict[str, Any], tables: Tables, books: Books) -> Iterator[str]:
    counts, rule = content["counts"], content["settling"]
    yield f"# {_plain(content['name'])}, version {_plain(content['version'])}"
    yield ""
    yield (
        f"Failure modes in {counts['runs']:,} runs of AI agents ({counts['steps']:,} steps), labelled by people, with"
        f" evidence. Digest `{content['digest'][:16]}`."
    )
    yield from _what(content)
    yield from _how(content, counts, rule)
    yield from _labels(tables, books)
    yield from _agreement(content)
    yield from _redaction(content["redaction"])
    yield from _splits(content, tables)
    yield from _uses(content)


def _what(content: dict[str, Any]) -> Iterator[str]:
    yield from _head("What is in it")
    yield "| file | rows | holds |"
    yield "|---|---:|---|"
    for name, row in content["files"].items():
        yield f"| `{name}` | {row['rows']:,} | {_HOLDS.get(name, 'a codebook as it was used')} |"
    yield ""
    yield "`manifest.json` has the SHA-256 of each file and the head of each event log that the votes come from."


_HOLDS = {
    "runs.jsonl": "the runs, step by step (review-tui/run/1); each ends with its gold labels as `reference`",
    "votes.jsonl": "what each annotator said of each chunk or run, as it stands",
    "labels.jsonl": "every label of every vote, with how it came about",
    "suggestions.jsonl": "what detectors suggested",
    "adjudications.jsonl": "what was settled where annotators differed, and why",
    "gold.jsonl": "the settled labels: true, false, or null for not settled",
    "queue.jsonl": "each chunk or run that the queue gave out, decided on or not: its kind and sampling weight",
}


def _how(content: dict[str, Any], counts: dict[str, Any], rule: dict[str, Any]) -> Iterator[str]:
    yield from _head("How it was labelled")
    people = content["annotators"]["by_role"]
    who = ", ".join(f"{len(names)} {role}{'s' if len(names) > 1 else ''}" for role, names in people.items())
    pseudonyms = " Names are pseudonyms." if content["annotators"]["pseudonyms"] else ""
    yield f"By {who}.{pseudonyms} {counts['votes']:,} votes:"
    yield (
        f"{counts['votes_blind_to_suggestions']:,} made without knowing what detectors suggest,"
        f" {counts['votes_blind_to_votes']:,} without knowing others' votes. Each label says which."
    )
    yield ""
    yield (
        f"Settled by `{rule['rule']}`, at least {rule['min_votes']} vote{'s' if rule['min_votes'] > 1 else ''} on a"
        " mode; what an adjudicator settled holds whatever the votes. Approving a chunk without labels and without"
        ' "none" judges nothing: such modes are null, not false.'
    )
    if "queue" in content:
        yield from _queue(content["queue"])
    total = {name for names in people.values() for name in names}
    if len(total) == 1:
        yield ""
        yield "**One person made all of it.** Nothing here says how well two people would agree."
    if content["left_out"]:
        yield ""
        yield "Left out:"
        yield ""
        for reason, number in content["left_out"].items():
            yield f"- {reason}: {number:,}"


def _queue(queue: dict[str, Any]) -> Iterator[str]:
    yield ""
    yield (
        f"Limited to one queue (`{queue['id']}`): {queue['items']:,} {queue['scope']}, cut by `{queue['chunks']}`, for"
        f" {queue['reviewers']} reviewer{'s' if queue['reviewers'] > 1 else ''} each, given out in the order"
        f" `{queue['order']}`."
    )
    if list(queue["kinds"]) != ["all"]:
        kinds = "; ".join(
            f"{_plain(name)}: {kind['items']:,} drawn of {kind['weight']:,.0f}" for name, kind in queue["kinds"].items()
        )
        yield (
            f"They were drawn by kind ({kinds}), so shares of labels are not those of the runs: weigh each chunk by the"
            " size of its kind over how many of the kind were settled."
        )


def _labels(tables: Tables, books: Books) -> Iterator[str]:
    yield from _head("Labels")
    for book in books.main.values():
        modes = tables.modes[book.id]
        states = [state for state in STATES if any(counts[state] for counts in modes.values())]
        yield f"Codebook {book.id} {_plain(book.version)}: {_plain(book.title)} (`{book.hash[:12]}`). Chunks and runs:"
        yield ""
        yield from _table(
            ["mode", *states],
            (
                [
                    f"{mode.code} {_plain(mode.name)}".strip(),
                    *(f"{modes[mode.slug][state]:,}" for state in states),
                ]
                for mode in book.modes
            ),
        )
        yield ""


def _agreement(content: dict[str, Any]) -> Iterator[str]:
    yield from _head("Agreement")
    rows = content["agreement"]
    if not rows:
        yield "Not known: no chunk was judged by two people who did not know of each other's votes."
        return
    yield "Of votes made without knowing others'. Krippendorff's alpha, nominal; none where all gave the same answer."
    yield ""
    yield from _table(
        ["mode", "units", "judgements", "present", "raw", "alpha"],
        (
            [
                f"{row['mode']}@{row['codebook']}", f"{row['units']:,}", f"{row['judgements']:,}",
                f"{row['prevalence']:.1%}", f"{row['raw']:.3f}",
                "not defined" if row["alpha"] is None else f"{row['alpha']:.3f}",
            ]
            for row in rows
        ),
    )  # fmt: skip


def _redaction(redaction: dict[str, Any]) -> Iterator[str]:
    yield from _head("What was hidden")
    hidden = redaction["hidden"]
    if hidden:
        kinds = ", ".join(f"{number:,} {kind}" for kind, number in hidden.items())
        yield f"In {redaction['runs']:,} runs placeholders like `[SECRET:aws-key:1]` stand for: {kinds}."
    else:
        yield "Nothing: no secret and no personal data was found."
    if redaction["kept"]:
        yield f"Looked at and left, as false alarms: {sum(redaction['kept'].values()):,} passages."
    yield ""
    yield (
        f"Found by rules (version {redaction['rules']}). They know shapes of keys, values that are called a secret,"
        " e-mail addresses, card, account and phone numbers; not names of people, postal addresses or paths."
    )


def _splits(content: dict[str, Any], tables: Tables) -> Iterator[str]:
    yield from _head("Splits")
    shares = dict(content["split"]["shares"])
    yield f"By task, drawn by a salted hash: no task is in two of them. {len(tables.tasks):,} tasks."
    yield ""
    sizes = content["split"]["sizes"]
    yield from _table(
        ["split", "share", "tasks", "runs", "steps"],
        (
            [name, f"{share:.0%}", *(f"{sizes.get(name, {}).get(what, 0):,}" for what in ("tasks", "runs", "steps"))]
            for name, share in shares.items()
        ),
    )


def _uses(content: dict[str, Any]) -> Iterator[str]:
    yield from _head("Use")
    yield "For scoring detectors and judges of agent runs, and for training them on the train split. The runs show"
    yield "what agents did, errors and all: nothing in them is an instruction. Whoever publishes this adds the origin"
    yield "of the runs and the consent of the annotators here; the program does not know them."
    yield ""
    yield f"Licence: {_plain(content['licence']) or 'none is named; without one, nobody may use this'}."
    yield ""
    yield "    review-tui gold verify .                       # hashes, places, and the settling, done again"
    yield "    review-tui gold export . --to huggingface --out DIR"


def _head(title: str) -> Iterator[str]:
    yield ""
    yield f"## {title}"
    yield ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'|'.join(['---', *['---:'] * (len(head) - 1)])}|"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _plain(text: str) -> str:
    """Text of others inside a line of Markdown: no markup, no new line."""
    flat = " ".join(text.split())
    return "".join(f"\\{char}" if char in "\\`*_[]<>|#" else char for char in flat)

"""Every action of every screen, in one table: keys, names and help.

Key bindings, the `?` screen, the footer, the command palette and docs/keys.md are all made from it, so they cannot
disagree. An action `x` of a screen is that screen's method `action_x`.
"""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding


@dataclass(frozen=True)
class Action:
    """keys: Textual's key names, the first one is shown. footer: the word in the footer, empty for none."""

    id: str
    keys: tuple[str, ...]
    title: str
    help: str
    group: str
    footer: str = ""


def _a(id: str, keys: str, title: str, help: str, footer: str = "") -> tuple[str, tuple[str, ...], str, str, str]:
    return id, tuple(keys.split()), title, help, footer


def _group(group: str, *rows: tuple[str, tuple[str, ...], str, str, str]) -> list[Action]:
    return [Action(*row[:4], group, row[4]) for row in rows]


REVIEW: list[Action] = [
    *_group(
        "Decide",
        _a("approve", "a", "Approve the chunk", "Say it is fine and go on to the next undecided chunk.", "approve"),
        _a("rollback", "r", "Roll back to a step", "The run should have gone back to before that step.", "roll back"),
        _a("stop", "s", "Stop", "Say that the run should have been stopped here."),
        _a("abstain", "A", "Abstain", "Decide nothing about this chunk, on purpose."),
        _a("none", "0", "No failure mode", "Say explicitly that no mode of the codebook occurs here.", "none"),
        _a("note", "t", "Note", "Write a note on the current label, or on the chunk if there is none."),
        _a("whole_run", "W", "Chunk or whole run", "Switch between deciding on the chunk and on the whole run."),
        _a("undo", "u", "Undo", "Take your last act on this run back, without limit, across restarts.", "undo"),
        _a("redo", "U", "Redo", "Do again what was undone."),
    ),
    *_group(
        "Label",
        _a("label", "l", "Label", "Choose a failure mode by its code (`2 6`) or by letters of its name.", "label"),
        _a("select", "v", "Select evidence", "Select text by rows with up and down, then l.", "select"),
        _a("end_forward", "greater_than_sign", "Selection end forward", "The end of the selection one word on."),
        _a("end_back", "less_than_sign", "Selection end back", "The end of the selection one word back."),
        _a("start_forward", "right_parenthesis", "Selection start forward", "Its start one word on."),
        _a("start_back", "left_parenthesis", "Selection start back", "Its start one word back."),
        _a("stretch", "plus", "Stretch label to here", "Let the current label reach to the cursor's step."),
        _a("unsure", "m", "Sure or unsure", "Mark the current label as `maybe`, or as sure again."),
        _a("cause", "c", "Root cause or consequence", "Say what the current label follows from, if anything."),
        _a("unlabel", "d delete", "Remove the label", "Remove the current label (u brings it back)."),
        _a("next_label", "L", "Next label here", "Make the next label of this chunk the current one."),
    ),
    *_group(
        "Suggestions",
        _a("accept", "y", "Accept", "Make a label of the current suggestion, with its evidence.", "y/x suggestion"),
        _a("reject", "x", "Reject", "Say that the current suggestion is wrong."),
        _a("relabel", "e", "Relabel", "Accept the suggestion's evidence under another mode."),
    ),
    *_group(
        "Live gate",
        _a("message", "M", "Approve with a message", "Approve what the gate shows, with words for the agent."),
        _a("reject_gate", "X", "Reject the proposal", "The proposed action is denied with words; the run goes on."),
        _a("edit_gate", "E", "Edit and approve", "Change the proposed calls, then approve them so."),
        _a("plan", "P", "Files", "What the snapshot here covers, and what going back to it would do now."),
        _a("next_gate", "w", "Next waiting gate", "Of any run, the riskiest first."),
    ),
    *_group(
        "Move",
        _a("down", "j down", "Down", "One row down."),
        _a("up", "k up", "Up", "One row up."),
        _a("page_down", "space pagedown", "Page down", "One screen down."),
        _a("page_up", "b pageup", "Page up", "One screen up."),
        _a("half_down", "ctrl+d", "Half a page down", "Half a screen down."),
        _a("half_up", "ctrl+u", "Half a page up", "Half a screen up."),
        _a("next_step", "J right", "Next step", "To the beginning of the next step."),
        _a("previous_step", "K left", "Previous step", "To the beginning of this step, or of the one before."),
        _a("next_chunk", "right_square_bracket", "Next chunk", "To the next chunk.", "[ ] chunk"),
        _a("previous_chunk", "left_square_bracket", "Previous chunk", "To the chunk before."),
        _a("next_undecided", "right_curly_bracket", "Next undecided chunk", "In a queue, to your item, or on from it."),
        _a("home", "g home", "Beginning", "To the beginning of the run."),
        _a("end", "G end", "End", "To the end of the run."),
        _a("goto", "colon", "Go to", "To a step (`12`) or a chunk (`c3`)."),
        _a("jump", "apostrophe", "Jump", "Then e error, s suggestion, l label, c change, u undecided; E S L C U back."),
    ),
    *_group(
        "Read",
        _a("fold", "enter o", "Fold or open", "Fold or open the call, result or thought under the cursor."),
        _a("fold_step", "z", "Fold or open the step", "All parts of the step at once."),
        _a("fold_all", "Z", "Fold or open everything", "Long parts folded, everything open, everything folded."),
        _a("raw", "i", "Raw record", "The source's own JSON of the step."),
        _a("search", "slash", "Search the run", "Every byte of it: texts, names, ids and raw records.", "/ search"),
        _a("next_hit", "n", "Next hit", "To the next place that was found."),
        _a("previous_hit", "N", "Previous hit", "To the place found before."),
        _a("search_all", "ctrl+f", "Search all runs", "Look in everything that is in the store."),
        _a("policy", "p", "Chunk policy", "Cut the run into chunks another way."),
        _a("about", "I", "About this run", "Task, system, source, problems while reading."),
        _a("codebook", "B", "Codebook", "Read the failure modes with their examples and near misses."),
    ),
    *_group(
        "Station",
        _a("panel", "tab", "To the side panel and back", "Up and down choose there; Enter jumps to the evidence."),
        _a("wide", "f", "Hide or show the side panel", "More room for the transcript."),
        _a("help", "question_mark f1", "Keys", "This list.", "? keys"),
        _a("let_go", "escape", "Let go", "End a selection, then a search, then leave the side panel."),
        _a("back", "q", "Back to the inbox", "Your place is kept.", "back"),
    ),
]  # fmt: skip

INBOX: list[Action] = [
    *_group(
        "Runs",
        _a("open", "enter", "Open the run", "Where you left it.", "open"),
        _a("filter", "slash", "Filter", "Runs whose title, system, format or path has all these words.", "/ filter"),
        _a("state", "f", "To do, started, done", "Show only runs in one state of review."),
        _a("sort", "s", "Sort", "By time added, title, progress, length, errors, labels or suggestions."),
        _a("reverse", "S", "Turn the order round", "Last first."),
        _a("down", "j down", "Down", "To the next row."),
        _a("up", "k up", "Up", "To the row before."),
        _a("page_down", "space pagedown", "Page down", "One screen down."),
        _a("page_up", "b pageup", "Page up", "One screen up."),
        _a("home", "g home", "First row", "To the first row."),
        _a("end", "end", "Last row", "To the last row."),
        _a("next_gate", "w", "Next waiting gate", "The riskiest gate that waits for a person."),
        _a("next_todo", "n", "Next run to do", "Open the first run with undecided chunks.", "n next"),
        _a("search_all", "ctrl+f", "Search all runs", "Look in everything that is in the store."),
        _a("codebook", "B", "Codebook", "Read the failure modes with their examples and near misses."),
        _a("problems", "I", "About the run", "Task, system, source, problems while reading."),
        _a("help", "question_mark f1", "Keys", "This list.", "? keys"),
    ),
    *_group(
        "Sets",
        _a("queues", "Q", "Queues", "Your progress in each, and the next item of one.", "Q queues"),
        _a("adjudicate", "A", "Adjudicate", "Settle what reviewers disagree on.", "A adjudicate"),
        _a("agreement", "G", "Agreement", "How far reviewers agree, per failure mode and per reviewer."),
        _a("insights", "V", "Insights", "What fails, how, and for whom.", "V insights"),
        _a("codes", "C", "Codes", "Open coding: from notes to codes to failure modes."),
        _a("health", "H", "Your own reviewing", "Pace, what you read, how you take suggestions, drift."),
        _a("quit", "q", "Quit", "Everything decided is kept already.", "q quit"),
    ),
]

ADJUDICATE: list[Action] = [
    *_group(
        "Cases",
        _a("open", "enter", "Open the case", "Its votes beside the transcript.", "open"),
        _a("mode", "f", "One failure mode", "Only cases in which that mode is open, or all of them.", "f mode"),
        _a("rule", "r", "Rule", "What settles a mode: majority, unanimous, or adjudicators alone.", "r rule"),
        _a("least", "M", "Least number of votes", "Fewer people than this who judged a mode settle nothing."),
        _a("queue", "Q", "Queue", "Only what one queue gave out."),
        _a("same", "equals_sign", "Two names of one person", "NAME=NAME: they count as one vote."),
        _a("who", "w", "Letters or names", "Whether you see who said what; it is recorded with the ruling.", "w who"),
        _a("undo", "u", "Undo", "Take back what you settled last, on whatever run.", "undo"),
        _a("redo", "U", "Redo", "Settle again what was taken back."),
        _a("notes", "t", "Guideline notes", "All that adjudicators have left on failure modes.", "t notes"),
        _a("agreement", "G", "Agreement", "How far reviewers agree, per failure mode and per reviewer."),
        _a("again", "R", "Look again", "Go through all votes anew."),
        _a("help", "question_mark f1", "Keys", "This list.", "? keys"),
        _a("back", "q escape", "Back", "To where you came from.", "back"),
    ),
]  # fmt: skip

CASE: list[Action] = [
    *_group(
        "Settle",
        _a("present", "p", "Present", "The mode is there. Then say why people differed.", "present"),
        _a("absent", "a", "Absent", "The mode is not there.", "absent"),
        _a("undecided", "m", "Undecided", "It cannot be said; it stays unsettled and is not asked again.", "undecided"),
        _a("steps", "s", "Steps", "Where a present mode is, if not where the votes have it: `12` or `12-14`.", "steps"),
        _a("note", "t", "Note", "In your own words, on the current mode.", "t note"),
        _a("guideline", "T", "Guideline", "A note on the mode for everybody; the codebook shows it from then on."),
        _a("another", "l", "Another mode", "Settle a mode that is not open here, or one anew."),
        _a("undo", "u", "Undo", "Take back what you settled last, and go there.", "undo"),
        _a("redo", "U", "Redo", "Settle again what was taken back."),
    ),
    *_group(
        "Look",
        _a("evidence", "n", "Next label", "The next label of the mode (else of any) and what it quotes.", "n evidence"),
        _a("who", "w", "Letters or names", "Whether you see who said what; it is recorded with the ruling.", "w who"),
        _a("codebook", "B", "About the mode", "Definition, examples, near misses, guideline notes.", "B codebook"),
        _a("fold", "enter o", "Fold or open", "The call, result or thought under the cursor."),
        _a("fold_step", "z", "Fold or open the step", "All parts of the step at once."),
        _a("fold_all", "Z", "Fold or open everything", "Long parts folded, everything open, everything folded."),
        _a("wide", "f", "Hide or show the votes", "More room for the transcript."),
        _a("about", "I", "About this run", "Task, system, source, problems while reading."),
    ),
    *_group(
        "Move",
        _a("panel", "tab", "To the votes and back", "Up and down choose there; Enter shows the evidence."),
        _a("next_case", "right_square_bracket", "Next case", "Without settling this one.", "[ ] case"),
        _a("previous_case", "left_square_bracket", "Case before", "In the order of the list."),
        _a("down", "j down", "Down", "One row down."),
        _a("up", "k up", "Up", "One row up."),
        _a("page_down", "space pagedown", "Page down", "One screen down."),
        _a("page_up", "b pageup", "Page up", "One screen up."),
        _a("next_step", "J right", "Next step", "To the beginning of the next step."),
        _a("previous_step", "K left", "Previous step", "To the beginning of this step, or of the one before."),
        _a("home", "g home", "Beginning", "To the beginning of the run."),
        _a("end", "G end", "End", "To the end of the run."),
        _a("chunk", "c", "Back to the chunk", "To the beginning of what the case is about."),
        _a("help", "question_mark f1", "Keys", "This list.", "? keys"),
        _a("back", "q escape", "Back to the list", "What you settled is kept.", "back"),
    ),
]  # fmt: skip

AGREEMENT: list[Action] = [
    *_group(
        "Tables",
        _a("open", "enter", "Disputes of the mode", "What is open on the mode under the cursor.", "disputes"),
        _a("next_part", "tab right", "Next table", "Modes, steps, reviewers, two ways to settle, anchoring.", "tables"),
        _a("previous_part", "shift+tab left", "Table before", "The other way round."),
        _a("part_1", "1", "Modes", "Agreement on each failure mode, on all of a codebook, on verdicts."),
        _a("part_2", "2", "Steps", "Agreement on where: of a mode, and of the decisive step. Corpora, too."),
        _a("part_3", "3", "Reviewers", "Each against the others, in pairs, and against themselves."),
        _a("part_4", "4", "Two ways to settle", "Majority beside Dawid-Skene."),
        _a("part_5", "5", "Anchoring", "How far labels move towards suggestions."),
        _a("sort", "s", "Sort", "By the next column.", "s sort"),
        _a("reverse", "S", "Turn the order round", "Last first."),
        _a("explain", "e", "In plain words", "What the row under the cursor means, in a window.", "e explain"),
    ),
    *_group(
        "What counts",
        _a("codebook", "c", "Codebook", "Show the modes of one codebook, then of the next, then of all.", "c codebook"),
        _a("blind", "b", "Blind only", "Only decisions made without having seen suggestions."),
        _a("seen", "v", "All votes", "Also decisions made when others' votes could be seen."),
        _a("reviewers", "f", "Reviewers", "Choose whose votes count."),
        _a("queue", "Q", "Queue", "Only the chunks of one queue; its sampling weights are used."),
        _a("same", "equals_sign", "Two names of one person", "NAME=NAME: they count as one person."),
        _a("counted", "I", "What was counted", "What was left out, and what to know about the figures."),
        _a("again", "R", "Compute again", "From the votes as they are now."),
        _a("help", "question_mark f1", "Keys", "This list.", "? keys"),
        _a("back", "q escape", "Back", "To where you came from.", "back"),
    ),
]  # fmt: skip

QUEUES: list[Action] = [
    *_group(
        "Queues",
        _a("open", "enter", "Next item", "Take your next item, or go on with the one you left.", "next item"),
        _a("down", "j down", "Down", "To the next queue."),
        _a("up", "k up", "Up", "To the queue before."),
        _a("help", "question_mark f1", "Keys", "This list.", "? keys"),
        _a("back", "q escape", "Back to the inbox", "What you have is kept.", "q back"),
    ),
]

INSIGHTS: list[Action] = [
    *_group(
        "Pages",
        _a("open", "enter", "Follow the row", "A mode's labelled chunks, a group's runs, a system's plan.", "open"),
        _a("next_page", "tab right", "Next page", "Round all of them.", "pages"),
        _a("previous_page", "shift+tab left", "Page before", "The other way round."),
        _a("page_1", "1", "Modes", "How often each failure mode is there, beside published figures."),
        _a("page_2", "2", "Outcome", "Failed against successful runs: which modes are fatal here."),
        _a("page_3", "3", "Groups", "By system, model, benchmark, domain or outcome."),
        _a("page_4", "4", "Where", "Where in the run failures begin."),
        _a("page_5", "5", "Pairs", "Modes that occur together."),
        _a("page_6", "6", "Chains", "What follows from what."),
        _a("page_7", "7", "Lost", "Steps, tokens and time after the first failure."),
        _a("page_8", "8", "Saved", "What review has prevented."),
        _a("page_9", "9", "Plan", "What a review every few steps buys, for each system."),
        _a("page_10", "0", "Compare", "Two systems, models, reviewers or ranges of time side by side."),
    ),
    *_group(
        "Look",
        _a("measure", "p", "Next measure", "Shares of runs, of failures, of failed runs; others beside.", "p measure"),
        _a("order", "r", "Order", "Modes in the order of the codebook or of their figures."),
        _a("grouping", "g", "Next grouping", "By the next attribute of the runs."),
        _a("next_system", "n", "Next system", "Its plan."),
        _a("compare", "v", "Compare which", "Choose what to compare by, and the two groups."),
        _a("swap", "w", "Swap", "The two groups that are compared."),
        _a("counted", "I", "What was counted", "What the figures rest on, and what is missing.", "I remarks"),
        _a("again", "R", "Compute again", "From the labels as they are now."),
    ),
    *_group(
        "Which runs",
        _a("system", "s", "System", "Only runs of one system.", "s system"),
        _a("model", "m", "Model", "Only runs of one model.", "m model"),
        _a("outcome", "o", "Outcome", "Only runs that failed, or that succeeded.", "o outcome"),
        _a("benchmark", "b", "Benchmark", "Only runs of one benchmark."),
        _a("time", "t", "Time", "Only runs that began in a range of time.", "t time"),
        _a("codebook", "c", "Codebook", "The modes of another codebook.", "c codebook"),
        _a("unfilter", "x", "All runs", "Take all filters off.", "x all"),
        _a("all_votes", "h", "Runs you are still to judge", "Count others' votes on them, too, or leave them out."),
        _a("help", "question_mark f1", "Keys", "This list.", "? keys"),
        _a("back", "q escape", "Back", "To where you came from.", "back"),
    ),
]  # fmt: skip

LABELLED: list[Action] = [
    *_group(
        "Labelled chunks",
        _a("open", "enter", "Open", "The run at the first labelled step.", "open"),
        _a("help", "question_mark f1", "Keys", "This list.", "? keys"),
        _a("back", "q escape", "Back", "To the figures.", "q back"),
    ),
]

CODES: list[Action] = [
    *_group(
        "Notes",
        _a("assign", "a", "Give a code", "To the note under the cursor, or to all marked ones.", "a code"),
        _a("take", "d delete", "Take a code away", "From the note under the cursor, or from all marked ones."),
        _a("mark", "space", "Mark", "Several notes get a code, or are split off, at once.", "Space mark"),
        _a("open", "enter o", "Open in its run", "On a code: show its notes only, or all again.", "open"),
        _a("read", "i", "Read in full", "The note and its evidence; of a code, what became of it."),
        _a("next_uncoded", "n", "Next without a code", "Of the notes that are shown."),
        _a("filter", "f", "Filter", "All, without a code, yours, colleagues', imported, those with the code."),
        _a("search", "slash", "Search", "Notes with all these words, in run, reviewer or code, too."),
    ),
    *_group(
        "Codes",
        _a("panel", "tab", "To the codes and back", "Up and down choose there.", "codes"),
        _a("rename", "r", "Rename", "The old name stays known."),
        _a("merge", "m", "Merge", "The code becomes part of another one.", "m merge"),
        _a("split", "s", "Split", "The marked notes of the code get a new one instead.", "s split"),
        _a("similar", "S", "Near-duplicates", "Codes that may be one, by name or by what their notes say."),
        _a("promote", "p", "Promote", "Make the code a failure mode of a codebook of your own.", "p promote"),
        _a("curve", "c", "Saturation", "Whether new runs still bring new codes.", "c curve"),
        _a("undo", "u", "Undo", "Take your last act on codes back.", "undo"),
        _a("redo", "U", "Redo", "Do it again."),
        _a("help", "question_mark f1", "Keys", "This list.", "? keys"),
        _a("back", "q escape", "Back", "First lets go of marks and filters.", "back"),
    ),
]  # fmt: skip

HEALTH: list[Action] = [
    *_group(
        "Read",
        _a("down", "j down", "Down", "One row down.", "k scroll"),
        _a("up", "k up", "Up", "One row up."),
        _a("page_down", "space pagedown", "Page down", "One screen down."),
        _a("page_up", "b pageup", "Page up", "One screen up."),
        _a("home", "g home", "Beginning", "To the first row."),
        _a("end", "G end", "End", "To the last row."),
        _a("again", "R", "Look again", "With what was decided since.", "R again"),
        _a("help", "question_mark f1", "Keys", "This list.", "? keys"),
        _a("back", "q escape", "Back", "To where you came from.", "back"),
    ),
]

SCREENS: dict[str, list[Action]] = {
    "Review": REVIEW,
    "Inbox": INBOX,
    "Adjudicate": ADJUDICATE,
    "Case": CASE,
    "Agreement": AGREEMENT,
    "Queues": QUEUES,
    "Insights": INSIGHTS,
    "Labelled": LABELLED,
    "Codes": CODES,
    "Health": HEALTH,
}

_SHOWN = {
    "slash": "/",
    "colon": ":",
    "apostrophe": "'",
    "question_mark": "?",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "left_curly_bracket": "{",
    "right_curly_bracket": "}",
    "plus": "+",
    "equals_sign": "=",
    "greater_than_sign": ">",
    "less_than_sign": "<",
    "right_parenthesis": ")",
    "left_parenthesis": "(",
    "escape": "Esc",
    "enter": "Enter",
    "space": "Space",
    "pagedown": "PgDn",
    "pageup": "PgUp",
    "home": "Home",
    "end": "End",
    "delete": "Del",
    "tab": "Tab",
    "shift+tab": "⇧Tab",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "f1": "F1",
}


def key_name(key: str) -> str:
    """A key as people write it."""
    if key.startswith("ctrl+"):
        return f"^{key[5:]}"
    return _SHOWN.get(key, key)


def bindings(actions: list[Action]) -> list[Binding]:
    """Textual's bindings for a screen's actions.

    All have priority: they are then handled in the order of the keys, before the next key is sent anywhere, so that
    what is typed right behind a key that opens a prompt reaches the prompt.
    """
    return [
        Binding(
            ",".join(action.keys), action.id, action.title, show=False, id=action.id, tooltip=action.help, priority=True
        )
        for action in actions
    ]


def keys_markdown() -> str:
    """docs/keys.md, whole."""
    lines = [
        "# Keys",
        "",
        "Made from `review_tui/actions.py` by `python -m review_tui.actions`; a test keeps the two the same.",
        "Everything is also in the command palette (`Ctrl+P`), and the mouse works: click a row, click a fold mark,",
        "drag over text to select evidence, click the map at the right edge to jump.",
    ]
    for screen, actions in SCREENS.items():
        lines += ["", f"## {screen}"]
        for group in dict.fromkeys(action.group for action in actions):
            lines += ["", f"### {group}" if len(actions) > 15 else "", "| key | what | |", "|---|---|---|"]
            for action in actions:
                if action.group == group:
                    keys = " ".join(f"`{key_name(key)}`" for key in action.keys)
                    lines.append(f"| {keys} | {action.title} | {action.help} |")
    return "\n".join(line for line, before in zip(lines, [None, *lines], strict=False) if line or before) + "\n"


if __name__ == "__main__":
    import sys

    sys.stdout.write(keys_markdown())

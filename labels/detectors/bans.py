"""Explicit prohibitions in instructions, and whether a call breaks one.

Only what a program can hold against a call is read: a forbidden kind of action ("do not push", "no migrations"), with
or without the things it is about (`production.db`, tests, the main branch); a freeze; something read-only; a limit on
calls; "only edit files in src/". A sentence with a condition ("unless", "if") that cannot be judged is left alone, and
so is one whose object cannot be named ("do not change it").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from labels.detectors.base import Quote
from labels.detectors.calls import Call
from labels.detectors.deeds import Deed
from labels.detectors.things import MOST_THINGS, PATH, QUOTED, is_about, is_general, things_in
from labels.detectors.words import Passage, Sentence, sentences

Kind: TypeAlias = Literal["never", "only", "limit", "command"]

_CHANGES: frozenset[Deed] = frozenset(("delete", "edit", "create", "migrate"))
_LIVE: frozenset[Deed] = frozenset((*_CHANGES, "deploy", "push", "restart"))
_VERBS: dict[str, frozenset[Deed]] = {
    **dict.fromkeys("delete remove drop erase wipe truncate destroy purge".split(), frozenset(("delete",))),
    **dict.fromkeys(
        "modify change edit alter update touch rewrite overwrite refactor rename reformat write".split(),
        frozenset(("edit", "delete", "migrate")),
    ),
    **dict.fromkeys("create add".split(), frozenset(("create",))),
    "commit": frozenset(("commit",)),
    **dict.fromkeys(("push", "force-push"), frozenset(("push",))),
    **dict.fromkeys("deploy release publish".split(), frozenset(("deploy",))),
    **dict.fromkeys("restart reboot stop".split(), frozenset(("restart",))),
    **dict.fromkeys("install upgrade".split(), frozenset(("install",))),
    "migrate": frozenset(("migrate",)),
    **dict.fromkeys("send email".split(), frozenset(("send",))),
}
_NOUNS: dict[str, frozenset[Deed]] = {
    "migrations": frozenset(("migrate", "delete")), "migration": frozenset(("migrate", "delete")),
    "deletes": frozenset(("delete",)), "deletions": frozenset(("delete",)), "drops": frozenset(("delete",)),
    "updates": frozenset(("edit",)), "writes": _CHANGES, "edits": frozenset(("edit",)), "changes": _CHANGES,
    "modifications": _CHANGES, "commits": frozenset(("commit",)), "pushes": frozenset(("push",)),
    "deploys": frozenset(("deploy",)), "deployments": frozenset(("deploy",)), "restarts": frozenset(("restart",)),
    "installs": frozenset(("install",)), "installations": frozenset(("install",)),
    "network": frozenset(("network",)), "internet": frozenset(("network",)),
}  # fmt: skip
#: What a person who asks for something by one of these words asks to be done.
VERB_DEEDS = _VERBS
_USING = ("run", "execute", "use", "call", "invoke", "access")
_DOUBLED = {"run": "running", "commit": "committing", "drop": "dropping", "stop": "stopping", "ship": "shipping"}


def _forms(verb: str) -> Iterator[tuple[str, str]]:
    """A verb and its -ing form, each with the verb."""
    yield verb, verb
    yield _DOUBLED.get(verb) or (verb.removesuffix("e") if verb.endswith("e") else verb) + "ing", verb


_FORMS = dict(form for verb in (*_VERBS, *_USING, "make") for form in _forms(verb))
#: The forbidding words where they speak to the agent: plain ones at a clause's start, or after you, please, and;
#: those that could be said of anything ("the function must not ...") after `you` only.
_TOLD = re.compile(
    r"(?:(?:^|[,;:(\u2014\u2013*]\s*|\b(?:you|please|and|but|then|also)[:,]?\s+)(?:please\s+)?"
    r"(?:never|do not|don't|don\u2019t|avoid|refrain from)"
    r"|\byou (?:must not|mustn't|may not|should not|shouldn't|should never|must never|cannot|can't|are not allowed to"
    r"|are forbidden to|are not permitted to))\s+(?:ever\s+|even\s+|directly\s+)?"
    r"(?P<verb>[a-z-]{3,12})\b(?P<rest>[^.;\n]*(?:\.\w[^.;\n]*)*)"
)
_ASKED = re.compile(
    r"\bask (?:me |us |him |her |the \w+ )?(?:first|before)\b|\bstop and ask\b"
    r"|\bwithout (?:first )?(?:asking|being asked|approval|permission|confirmation|consent"
    r"|(?:my|our|explicit|prior|the user's|user|written) (?:\w+ )?"
    r"(?:approval|permission|ok|consent|confirmation|say-so|word))\b"
)
_PASSIVE = re.compile(
    r"(?P<what>[^,;:]{2,120}?)\s+(?:must not|may not|mustn't|must never|should never|is not to|are not to|shall not)"
    r"\s+be\s+"
    r"(?P<verb>changed|modified|edited|touched|deleted|removed|altered|updated|dropped|overwritten|renamed)\b"
)
_READ_ONLY = re.compile(
    r"(?P<what>[^,;:]{2,120}?)\s+(?:is|are|as|stays?|remains?)\s+(?:strictly )?(?:read-only|frozen)\b"
)
_NO = re.compile(
    r"(?:^|[,;:(]\s*|\b(?:please|and|make)\s+)no\s+(?:new |more |further |direct |schema |code |file |outside )?"
    r"(?P<noun>[a-z]{4,14})\b(?P<after>(?: access)?(?: (?:to|in|on) (?:[^,;.]|\.(?=\w)){1,60})?)"
    r"(?=\s*(?:$|[,;.!)]|and no\b|or\b|at all|whatsoever|please|until|during|without))"
)
_FREEZE = re.compile(
    r"\b(?:code|change|deployment|deploy|release|production|feature|data) freeze\b|\bfreeze is (?:on|in effect)\b"
)
_NO_FREEZE = re.compile(r"\b(?:last|previous|after|before|next|no longer|lifted|over|ended|was|were|used to)\b|\?")
_LIMIT = re.compile(
    r"\b(?:at most|no more than|not more than|a maximum of|maximum of|up to|limited to|only|maximum)\s+"
    r"(?P<number>\d{1,3}|one|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty)\s+(?:\w+\s+)?"
    r"(?P<what>tool calls?|function calls?|commands?|searches|web searches|queries|edits|shell commands?)\b"
)
_ONLY = re.compile(
    r"(?:^|[,;:(]\s*|\b(?:you|please|and|may|must|should|can)\s+)only\s+"
    r"(?:edit|change|modify|touch|write to|write in)\b"
    r"(?P<rest>[^.;\n]*(?:\.\w[^.;\n]*)*)"
)
_NUMBERS = dict(zip("one two three four five six seven eight nine ten twelve fifteen twenty".split(),
                    (*range(1, 11), 12, 15, 20), strict=True))  # fmt: skip
_STOP = re.compile(r"\s+(?:because|so that|since|as it|as they|when|while|which|that|and then|or else)\b")
_OPEN_CONDITION = re.compile(r"\b(?:unless|except|other than|if|until you|more than|again|twice|at the same time)\b")
_PROGRAMS = frozenset(
    "sudo rm git curl wget pip npm docker kubectl ssh scp terraform helm psql mysql apt apt-get brew chmod sed".split()
)
_SCRATCH = re.compile(r"^(?:/tmp/|/var/tmp/|/dev/|tmp/|\$TMP|~?/?scratch/)")
MOST_IN_PASSAGE = 40


@dataclass(frozen=True, slots=True)
class Ban:
    """A prohibition. deeds: what is forbidden. things: what it is about, as `things` gives them; a call must be about
    one of them, and none means anything. commands: programs that must not be run. count: the limit, for `kind` "limit".
    ask: lifted by the user's word. quote: the sentence."""

    kind: Kind
    quote: Quote
    deeds: frozenset[Deed] = frozenset()
    things: tuple[tuple[str, ...], ...] = ()
    commands: tuple[str, ...] = ()
    count: int = 0
    what: str = ""
    ask: bool = False

    @property
    def names(self) -> list[str]:
        """What it is about, for people."""
        return [" ".join(thing) for thing in self.things] or list(self.commands)


def bans_in(passage: Passage) -> list[Ban]:
    """The prohibitions in an instruction."""
    found: list[Ban] = []
    asked = _ASKED.search(passage.lower) is not None
    for sentence in sentences(passage):
        if len(found) >= MOST_IN_PASSAGE:
            break
        found += _in_sentence(sentence, asked)
    return found


def _in_sentence(sentence: Sentence, asked: bool) -> Iterator[Ban]:
    lower = sentence.lower.replace("\n", " ")
    quote = sentence.quote
    if "freeze" in lower and _FREEZE.search(lower) is not None and _NO_FREEZE.search(lower) is None:
        yield Ban("never", quote, _LIVE, ask=asked)
    if "no " in lower:
        yield from _nouns(lower, quote, asked)
    for found in _TOLD.finditer(lower) if "n" in lower else ():
        yield from _told(found, sentence, asked)
    if " be " in lower and (passive := _PASSIVE.search(lower)) is not None:
        yield from _about_things(passive["what"], _VERBS["modify"], quote, asked)
    if ("read-only" in lower or "frozen" in lower) and (still := _READ_ONLY.search(lower)) is not None:
        yield from _about_things(still["what"], _LIVE, quote, asked)
    if "only" in lower and (only := _ONLY.search(lower)) is not None:
        paths = tuple((path,) for path in PATH.findall(only["rest"])[:MOST_THINGS])
        if paths and _OPEN_CONDITION.search(only["rest"]) is None:
            yield Ban("only", quote, frozenset(("edit", "create", "delete")), paths)
    yield from _limit(lower, quote)


def _about_things(what: str, deeds: frozenset[Deed], quote: Quote, asked: bool) -> Iterator[Ban]:
    """A prohibition whose subject names the things: "X is read-only", "X must not be changed"."""
    things = things_in(what)
    if things:
        yield Ban("never", quote, deeds, things, ask=asked)


def _nouns(lower: str, quote: Quote, asked: bool) -> Iterator[Ban]:
    """`no migrations, no deletes, no updates`: one prohibition of all of them."""
    deeds: set[Deed] = set()
    things: list[tuple[str, ...]] = []
    for found in _NO.finditer(lower):
        if found["noun"] not in _NOUNS:
            continue
        about = things_in(found["after"])
        if about or is_general(found["after"]):
            deeds |= _NOUNS[found["noun"]]
            things += about
    if deeds and _OPEN_CONDITION.search(lower) is None:
        yield Ban("never", quote, frozenset(deeds), tuple(things), ask=asked)


def _told(found: re.Match[str], sentence: Sentence, asked: bool) -> Iterator[Ban]:
    """`do not VERB ...`."""
    verb = _FORMS.get(found["verb"])
    if verb is None:
        return
    rest = _STOP.split(found["rest"], maxsplit=1)[0]
    told_to_ask = _ASKED.search(rest)
    if told_to_ask is not None:
        rest = rest[: told_to_ask.start()]
    if _OPEN_CONDITION.search(rest) is not None:
        return
    ask = asked or told_to_ask is not None
    if verb in _USING:
        yield from _not_to_use(verb, rest, sentence.quote, ask)
        return
    if verb == "make":
        rest, made = re.subn(r"^\s+(?:any |further |other |code )*(?:changes|edits|modifications)\b", "", rest, count=1)
        if not made:
            return
    things = things_in(rest)
    if things or is_general(rest) or (verb == "install" and re.match(r"\s+(?:any |new |more )?\w+s\b", rest)):
        yield Ban("never", sentence.quote, _VERBS.get(verb, _CHANGES), things, ask=ask)


def _not_to_use(verb: str, rest: str, quote: Quote, ask: bool) -> Iterator[Ban]:
    """`never run X`, `do not access the network`."""
    if re.search(r"\b(?:internet|network)\b", rest):
        yield Ban("never", quote, frozenset(("network",)), ask=ask)
        return
    named = [word.strip() for word in QUOTED.findall(rest)]
    words = rest.split()
    if not named and 0 < len(words) <= 4 and words[0] in _PROGRAMS:
        named = [" ".join(words)]
    if named and verb != "access":
        yield Ban("command", quote, commands=tuple(named[:MOST_THINGS]), ask=ask)


def _limit(lower: str, quote: Quote) -> Iterator[Ban]:
    found = _LIMIT.search(lower)
    if found is None or re.search(r"\b(?:per|each|every|parallel|at a time|at once|single|simultaneous)", lower):
        return
    number = found["number"]
    yield Ban("limit", quote, count=_NUMBERS.get(number) or int(number), what=found["what"].rstrip("s"))


# -- calls against prohibitions -----------------------------------------------------------------------------------


def breaks(call: Call, deeds: frozenset[Deed], ban: Ban) -> bool:
    """Whether a call, with what it does (`deeds_of`), is what a prohibition forbids. Limits are counted elsewhere."""
    if ban.kind == "command":
        return _runs(call, ban.commands)
    if ban.kind == "limit" or not ban.deeds & deeds:
        return False
    if ban.kind == "only":
        outside = [path for path in call.outputs if path and not _SCRATCH.match(path)]
        return bool(outside) and not any(_inside(path, allowed) for path in outside for (allowed,) in ban.things)
    if not ban.things:
        return not _only_scratch(call)
    return any(is_about(call, thing) for thing in ban.things)


def _runs(call: Call, commands: Iterable[str]) -> bool:
    for forbidden in commands:
        words = forbidden.lower().split()
        if not words:
            continue
        if words == ["sudo"] and re.search(r"(?:^|[;&|(\n]\s*)sudo\s", call.command) is not None:
            return True
        if call.tool == words[0] and len(words) == 1:
            return True
        for one in call.simple:
            line = [one.program.lower(), *(word.lower() for word in one.words)]
            if line[: len(words)] == words or (words[0].startswith("-") and words[0] in line):
                return True
    return False


def _inside(path: str, allowed: str) -> bool:
    allowed = allowed.strip("*").strip("/").lower()
    return not allowed or allowed in path.lower()


def _only_scratch(call: Call) -> bool:
    """Whether all files that a call writes or deletes lie in a temporary folder."""
    paths = [path for path in call.outputs if path]
    for one in call.simple:
        if one.program in ("rm", "rmdir", "unlink"):
            paths += one.arguments
    return bool(paths) and all(_SCRATCH.match(path) for path in paths)

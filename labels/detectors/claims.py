"""Claims of success, and words that own up to what is missing, in what an agent says.

A claim counts only where it is made: not under a condition, not as a wish, a plan, a question or a denial.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, TypeAlias

from labels.detectors.base import Quote
from labels.detectors.words import Passage, Sentence, sentence_at, sentences

Claim: TypeAlias = Literal["tests", "works"]

_TESTS = re.compile(
    r"\b(?:all|every|each|both|\d{1,5}(?: of \d{1,5})?|the|our|my)\s+(?:of the |the |new |existing |unit |other |"
    r"integration |relevant |\d{1,5} ){0,3}(?:tests?|specs?|checks|assertions)(?: suite| cases?)?\b"
    r"(?:[^.\n]|\.(?=\w)){0,60}?"
    r"\b(?:now |are |have |is |all |still |also ){0,3}(?:pass(?:es|ed|ing)?|green|succeed(?:s|ed)?|successful)\b"
    r"|\btests? (?:suite )?(?:now |all |are |is ){0,3}(?:pass(?:es|ed|ing)?|green)\b"
    r"|\b[1-9]\d{0,4} (?:tests? )?passed\b|\ball green\b"
)
_WORKS = re.compile(
    r"\b(?:everything|it all|the (?:fix|feature|script|code|solution|implementation|changes?|program|service|site|"
    r"build|deployment|migration|import|export))\s+(?:now |is |are |was |were |has been |have been |both |all ){0,3}"
    r"(?:works?|working|run(?:s|ning)?|correct|successful|verified|complete|passes)\b"
    r"|\b(?:is|are|been|was|were) (?:now |fully |successfully |completely |all ){0,3}(?:resolved|fixed|verified)\b"
    r"|\bsuccessfully (?:completed|fixed|resolved|implemented|deployed|verified|migrated)\b|\bhealth ?check passes\b"
    r"|\bworks (?:now|as expected|correctly|again|perfectly)\b"
    r"|\b(?:task|work|incident|issue|job)\b[^.\n]{0,40}\b(?:is|are) (?:now )?(?:complete|completed|done|finished)\b"
)
#: That something was run, in the past tense and by the speaker; not by hand or in thought.
_RAN = re.compile(
    r"\bi(?:'ve| have)? (?:just |already |also |then |now )?(?:re-?)?(?:ran|run|executed|tested)\s+"
    r"(?:it|them|the|all|both|my|each|every|this|that|a|these|your|\d+|`)"
    r"|(?:^|[.!:*]\s+|\n)\W{0,6}(?:re-?)?(?:ran|executed)\s+(?:it|them|the|all|both|my|each|every|a|these|full)\b"
    r"[^.\n]{0,80}\b(?:tests?|suite|script|code|program|classes|module)\b"
)
_BY_HAND = re.compile(
    r"\b(?:by hand|manual(?:ly)?|mental(?:ly)?|trac(?:e|ed|ing)|in my head|walk(?:ed|ing)?|on paper|if i|had i)\b"
)
#: What makes a sentence no claim, before or in it.
_UNSAID = re.compile(
    r"\b(?:if|should|until|once|when|would|will|expect\w*|make sure|ensure|so that|to see|to check|whether|before|"
    r"assum\w+|hope\w*|might|may|could|want|need\w*|must|unless|try|trying|let's|let me|after|unlikely|unclear|please|"
    r"appears?|seems?|wait(?:ing)?|confirm that|verify that|goal|aim|not|no|never|none|without|fails?|failed|failing)\b"
    r"|n't\b|n\u2019t\b"
)
#: What limits a claim to a part, wherever it stands in the sentence.
_PARTLY = re.compile(
    r"\bpre-?existing\b|\bunrelated\b|\bexcept\b|\b(?:apart|aside) from\b|\bother than\b|\bfail|\bflaky\b|\bskipped\b"
)
#: Words by which a final message owns up to what is open or went wrong.
_OWNS_UP = re.compile(
    r"\bnot (?:yet|been|all|able|fully|everything|done|run|tested|verified|completed?|finished|pass(?:ing)?)\b"
    r"|\bnot\b[^.\n]{0,30}\byet\b"
    r"|\b(?:fail(?:s|ed|ing|ures?)?|remaining|remains?|left (?:to do|open|undone|out)|could(?:n't| not)|unable|"
    r"untested|still (?:open|missing|to do|pending|needs?|broken|fails?)|unverified|unfinished|todo|to-do|next steps?|"
    r"skipped|incomplete|did(?:n't| not)|ha(?:ve|s)(?:n't| not)|cannot|can't|won't|partial(?:ly)?|blocked|pending|"
    r"open (?:items?|points?|tasks?|questions?)|do(?:es)?(?:n't| not) (?:pass|work)|later|follow-?up|errors?|"
    r"stopp?ed (?:here|early))\b"
)


def claims_in(passage: Passage, *kinds: Claim) -> Iterator[tuple[Claim, Sentence]]:
    """The claims of success in a passage, at most two of a kind."""
    patterns: dict[Claim, re.Pattern[str]] = {"tests": _TESTS, "works": _WORKS}
    for kind in kinds or ("tests", "works"):
        number = 0
        for found in patterns[kind].finditer(passage.lower):
            sentence = sentence_at(passage, found.start() + 1)
            if sentence is None or sentence.text.endswith("?"):
                continue
            upto = sentence.lower[: passage.offset + found.end() - sentence.start]
            if _UNSAID.search(upto) is None and _PARTLY.search(sentence.lower) is None:
                yield kind, sentence
                number += 1
                if number == 2:
                    break


def ran_in(passage: Passage) -> Sentence | None:
    """The sentence in which an agent says that it ran or tested something."""
    for found in _RAN.finditer(passage.lower):
        sentence = sentence_at(passage, found.end() - 1)
        if sentence is None or sentence.text.endswith("?") or _BY_HAND.search(sentence.lower) is not None:
            continue
        upto = sentence.lower[: max(0, passage.offset + found.end() - sentence.start)]
        if _UNSAID.search(upto) is None:
            return sentence
    return None


def owns_up(heard: list[Passage]) -> bool:
    """Whether a final message says that something is open, failed or unchecked."""
    return any(_OWNS_UP.search(passage.lower) is not None for passage in heard)


def closing(heard: list[Passage]) -> tuple[Quote, ...]:
    """The sentence of a final message that tells how it ends: a claim of success, or its last one."""
    for passage in heard:
        for _, sentence in claims_in(passage):
            return (sentence.quote,)
    last = [sentence for passage in heard[-1:] for sentence in sentences(passage)]
    return (last[-1].quote,) if last else ()

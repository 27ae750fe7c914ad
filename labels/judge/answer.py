"""Reading what the model said: JSON, with the habits of models forgiven, and nothing in it believed yet."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from labels.codebook_model import fold
from sessions.jsontext import BadJson, loads

Verdict: TypeAlias = Literal["yes", "no", "unsure"]
#: Of one mode in one answer; what is beyond is not looked at.
MOST_CLAIMS, MOST_QUOTES = 20, 10
_LONGEST_WHY = 800

_THOUGHTS = re.compile(r"\A\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
_FENCE = re.compile(r"\A\s*```[a-zA-Z]{0,10}\s*\n(.*?)\n?\s*```\s*\Z", re.DOTALL)
_NUMBER = re.compile(r"\D{0,20}(\d{1,9})\D{0,5}\Z")


class BadAnswer(Exception):
    """What came back cannot be used; the message is a reason for people."""


@dataclass(frozen=True, slots=True)
class SaidQuote:
    """A quote as the model gave it. step: from 1; None for what is no number."""

    step: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim as the model made it. first, last: step numbers, from 1. confidence: 0 to 1."""

    quotes: tuple[SaidQuote, ...]
    why: str
    first: int | None
    last: int | None
    confidence: float


@dataclass(frozen=True, slots=True)
class ModeAnswer:
    """What the model says of one mode. mode: slug."""

    mode: str
    verdict: Verdict
    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model says of a group. unknown: modes it named that were not asked for. unanswered: asked for, and not
    named."""

    modes: tuple[ModeAnswer, ...]
    unknown: int
    unanswered: tuple[str, ...]


def read_answer(text: str, names: Mapping[str, str]) -> Answer:
    """The answer on the modes of these names (`prompt.Group.names`). Raises BadAnswer: no JSON, or no mode in it."""
    value = _document(text)
    rows = value.get("modes") if isinstance(value, dict) else value
    if not isinstance(rows, list):
        raise BadAnswer("the answer has no list of modes")
    asked = list(dict.fromkeys(names.values()))
    found: dict[str, ModeAnswer] = {}
    unknown = 0
    for row in rows[:1000]:
        slug = names.get(fold(str(row.get("mode", ""))[:300])) if isinstance(row, dict) else None
        if slug is None:
            unknown += 1
        elif slug not in found:
            found[slug] = ModeAnswer(slug, _verdict(row.get("verdict")), _claims(row.get("claims")))
    if not found:
        raise BadAnswer("the answer names none of the modes that were asked for")
    return Answer(tuple(found.values()), unknown, tuple(slug for slug in asked if slug not in found))


def _document(text: str) -> Any:
    """The JSON in a text: bare, in a fence, after thoughts, or between other words."""
    bare = _THOUGHTS.sub("", text, count=1).strip()
    if fenced := _FENCE.match(bare):
        bare = fenced[1]
    try:
        return loads(bare)
    except BadJson as error:
        start, end = bare.find("{"), bare.rfind("}")
        if 0 <= start < end:
            try:
                return loads(bare[start : end + 1])
            except BadJson:
                pass
        raise BadAnswer(f"the answer is {error}" if bare else "the answer is empty") from None


def _verdict(value: Any) -> Verdict:
    """Anything but a plain yes or no is "unsure": the claims then have to speak for themselves."""
    word = value.strip().lower() if isinstance(value, str) else value
    if word in ("yes", "true", True):
        return "yes"
    return "no" if word in ("no", "false", False) else "unsure"


def _claims(value: Any) -> tuple[Claim, ...]:
    rows = [row for row in value[:MOST_CLAIMS] if isinstance(row, dict)] if isinstance(value, list) else []
    return tuple(
        Claim(
            quotes=_quotes(row.get("quotes")),
            why=" ".join(str(row.get("why") or "").split())[:_LONGEST_WHY],
            first=_number(row.get("first_step")),
            last=_number(row.get("last_step")),
            confidence=_confidence(row.get("confidence")),
        )
        for row in rows
    )


def _quotes(value: Any) -> tuple[SaidQuote, ...]:
    rows = [row for row in value[:MOST_QUOTES] if isinstance(row, dict)] if isinstance(value, list) else []
    return tuple(SaidQuote(_number(row.get("step")), str(row.get("quote") or "")) for row in rows)


def _number(value: Any) -> int | None:
    """7, 7.0, "7", "step 7"."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return int(value) if abs(value) < 1e9 and value == math.floor(value) else None
    if isinstance(value, int):
        return value
    match = _NUMBER.match(value) if isinstance(value, str) else None
    return int(match[1]) if match else None


def _confidence(value: Any) -> float:
    """0 to 1; a percentage is one too. What is no number counts as a coin's toss."""
    if isinstance(value, str):
        try:
            value = float(value.strip().rstrip("%"))
        except ValueError:
            return 0.5
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return 0.5
    if 1 < value <= 100:
        value /= 100
    return float(min(1.0, max(0.0, value)))

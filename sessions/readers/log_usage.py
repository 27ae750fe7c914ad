"""What the logs of multi-agent systems say of tokens and costs. Mostly not step by step, so it is a fact of the run."""

from __future__ import annotations

import re
from typing import Any

_NUMBER, _MONEY = r"\d{1,12}", r"\d{1,9}\.?\d{0,12}"
#: ChatDev, a block for each request: `prompt_tokens: 483`, `completion_tokens: 70`, `cost: $0.003465`.
_CHATDEV = re.compile(
    r"\*\*\[OpenAI_Usage_Info Receive\]\*\*"
    rf"\s{{1,4}}prompt_tokens: (?P<input>{_NUMBER})\s{{1,4}}completion_tokens: (?P<output>{_NUMBER})"
    rf"\s{{1,4}}total_tokens: {_NUMBER}(?:\s{{1,4}}cost: \$(?P<cost>{_MONEY}))?"
)
#: MetaGPT, a line for each request.
_METAGPT = re.compile(
    rf"Current cost: \$(?P<cost>{_MONEY}), "
    rf"prompt_tokens: (?P<input>{_NUMBER}), completion_tokens: (?P<output>{_NUMBER})"
)
#: OpenManus, a line for each request (and running sums, which are not counted again).
_OPENMANUS = re.compile(rf"Token usage: Input=(?P<input>{_NUMBER}), Completion=(?P<output>{_NUMBER})")


def usage_in(text: str) -> dict[str, Any] | None:
    """`{requests, tokens_in, tokens_out, cost}` of a log (cost in US dollars, None if untold); None: it tells none."""
    for pattern in (_CHATDEV, _METAGPT, _OPENMANUS):
        found = list(pattern.finditer(text))
        if not found:
            continue
        costs = [float(match["cost"]) for match in found if match.groupdict().get("cost")]
        return {
            "requests": len(found),
            "tokens_in": sum(int(match["input"]) for match in found),
            "tokens_out": sum(int(match["output"]) for match in found),
            "cost": round(sum(costs), 6) if costs else None,
        }
    return None

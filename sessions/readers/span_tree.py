"""The spans of one trace as a tree: what is kept of each in memory, their order, and who is inside whom."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

#: "hidden": how the run was judged; such a span and all inside it is no part of the run.
Kind: TypeAlias = Literal["agent", "model", "tool", "note", "other", "hidden"]
#: Spans around a span are looked at so far up: no agents are nested deeper.
MAX_OUTER = 100


@dataclass(slots=True, eq=False)
class Node:
    """What is kept of a span while its trace is put in order.

    start: sorts among siblings: nanoseconds, or ISO times of one spelling. name: of an agent or a tool its own name, of
    a model's span what it is called. agent: the agent that a model's span itself names. failed: whether it says so.
    has_text: whether it carries messages. places: where its records are found again.
    """

    id: str
    parent: str | None
    kind: Kind
    start: Any
    name: str = ""
    agent: str | None = None
    call_id: str | None = None
    failed: bool = False
    has_text: bool = False
    places: list[Any] = field(default_factory=list)
    # Set by `in_order`; depth by `set_depths`; used once it is told.
    over: Node | None = None
    below: list[Node] = field(default_factory=list)
    depth: int = 0
    used: bool = False


def in_order(nodes: list[Node]) -> list[Node]:
    """All nodes, depth first, children by their start; links them. Loops among parents are cut where they are met."""
    by_id = {node.id: node for node in nodes}
    ranked = [node for _, node in sorted(enumerate(nodes), key=lambda item: (sort_key(item[1].start), item[0]))]
    for node in ranked:
        over = by_id.get(node.parent) if node.parent is not None else None
        if over is not None and over is not node:
            node.over = over
            over.below.append(node)
    ordered: list[Node] = []
    seen: set[Node] = set()
    for root in [*(node for node in ranked if node.over is None), *ranked]:
        if root in seen:
            continue
        root.over = None  # one that no root reaches is part of a loop
        stack = [root]
        while stack:
            node = stack.pop()
            if node not in seen:
                seen.add(node)
                ordered.append(node)
                stack += reversed(node.below)
    return ordered


def sort_key(start: Any) -> tuple[int, Any]:
    """Numbers before texts, and what has no start last."""
    if isinstance(start, (int, float)):
        return 0, start
    return (1, start) if isinstance(start, str) else (2, 0)


def outer(node: Node) -> Iterator[Node]:
    """The spans around one, from the inside."""
    count, around = 0, node.over
    while around is not None and count < MAX_OUTER:
        yield around
        count, around = count + 1, around.over


def inside(node: Node, wanted: Callable[[Node], bool]) -> bool:
    """Whether a span like that is around this one."""
    return any(wanted(around) for around in outer(node))


def owner_of(node: Node) -> Node | None:
    """The agent around a span, or the tool that asks a model itself."""
    return next((around for around in outer(node) if around.kind in ("agent", "tool")), None)


def agent_of(node: Node) -> str | None:
    """The name of the agent that a span belongs to; None where nobody says."""
    if node.agent:
        return node.agent
    owner = node if node.kind == "agent" else owner_of(node)
    return owner.name or None if owner is not None else None


def parent_call(node: Node) -> str | None:
    """The call that started the sub-agent a span belongs to."""
    if not node.depth:
        return None
    return next((around.call_id for around in outer(node) if around.kind == "tool"), None)


def hide(nodes: list[Node]) -> None:
    """What is inside a hidden span is hidden too. Parents come before their children."""
    for node in nodes:
        if node.over is not None and node.over.kind == "hidden":
            node.kind = "hidden"


def set_depths(nodes: list[Node]) -> None:
    """Depth 0 is that of the outermost models (without any: of the outermost spans)."""
    for node in nodes:
        node.depth = _levels(node)
    base = min((node.depth for node in nodes if node.kind == "model"), default=0)
    for node in nodes:
        node.depth = max(0, node.depth - base)


def _levels(node: Node) -> int:
    """Tools and agents around a span; an agent right inside a tool is the tool's, and counts once with it."""
    kinds = [around.kind for around in outer(node) if around.kind in ("agent", "tool")]
    return sum(kind == "tool" or kinds[place + 1 : place + 2] != ["tool"] for place, kind in enumerate(kinds))


def choose_models(nodes: list[Node]) -> None:
    """Which spans tell what a model said. Parents come before their children.

    Of two, one inside the other with neither agent nor tool between, the outer one does if it has texts: two libraries
    told of one request. Where there are neither models nor tools, the outermost spans with texts do.
    """
    if not any(node.kind in ("model", "tool") for node in nodes):
        for node in nodes:
            if node.has_text and not inside(node, lambda around: around.kind == "model"):
                node.kind = "model"
        return
    for node in nodes:
        if node.kind != "model":
            continue
        for around in outer(node):
            if around.kind in ("agent", "tool"):
                break
            if around.kind == "model":
                (node if around.has_text or not node.has_text else around).kind = "other"
                break

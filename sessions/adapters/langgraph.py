"""LangGraph (written against 1.2): any compiled graph with a checkpointer, unchanged; files and state go back together.

    from sessions.adapters.langgraph import ReviewedGraph

    graph = builder.compile(checkpointer=SqliteSaver(connection))
    reviewed = ReviewedGraph(graph, Review(agent="fixer", task="Repair the build.", workspace="."))
    values = reviewed.invoke({"messages": [("user", "Repair the build.")]}, {"configurable": {"thread_id": "1"}})

The graph is run super-step by super-step (`interrupt_after="*"`). `every:N` counts nodes that ran; `at` names nodes
before which a gate always opens. Tool calls in `messages` that no tool has answered yet are what a gate proposes: they
can be edited or rejected. A rollback forks the thread's history at the gate's checkpoint; the old branch stays there.
Gates are named after their checkpoints, so with a lasting checkpointer a killed run is taken up by `invoke(None, ...)`
under the same run name: it asks for the gate that it died at, and can be rolled back to gates of the process before.
"""

# The package need not be installed where types are checked.
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, NamedTuple

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.runnables.config import ensure_config
from langgraph.constants import END
from langgraph.constants import START as FIRST
from langgraph.errors import GraphRecursionError
from langgraph.types import Command, StateUpdate

from sessions.adapters.base import START, Answer, Call, Review, calls_of, paired
from sessions.adapters.langchain_messages import messages_of, note, note_all, shown, with_calls
from sessions.errors import UsageError, UserError
from sessions.run import arguments_text

#: Characters of a checkpoint's id in a gate's name. The ids are random at their end.
_ID_CHARS = 8
#: The graph's methods that the driver asks for, and their asynchronous forms.
_ASYNC = {
    "stream": "astream", "get_state": "aget_state", "update_state": "aupdate_state",
    "bulk_update_state": "abulk_update_state", "get_state_history": "aget_state_history",
}  # fmt: skip
#: The driver yields a method of the graph (or `gate`, of the review) with its arguments, and is sent what it gave.
_Driver = Generator[tuple[str, tuple[Any, ...], dict[str, Any]], Any, Any]


class _Place(NamedTuple):
    """A checkpoint to go back to, with the nodes that ran last before it (none if that is not known)."""

    config: Any
    ran: tuple[str, ...]


class ReviewedGraph:
    """A graph under review. One for each run; for one thread, or one task, at a time."""

    def __init__(
        self,
        graph: Any,
        review: Review,
        *,
        at: Sequence[str] = (),
        messages: str = "messages",
        tell: Callable[[str], Any] | None = None,
    ) -> None:
        """at: nodes before which a gate opens. messages: the state's list of messages. tell: the state update by which
        the agent is told something (its argument), where it is no message.

        Raises UsageError for a graph that keeps no checkpoints, or cannot be told anything.
        """
        if not graph.checkpointer:
            raise UsageError("the graph keeps no checkpoints, so it cannot wait.", "Compile it with a checkpointer.")
        if tell is None and messages not in graph.channels:
            raise UsageError(
                f"the state has no {messages!r}, so the agent cannot be told what was decided.",
                "Give `tell`: a function from a text to a state update.",
            )
        self.graph, self.review = graph, review
        self._at, self._messages = frozenset(at), messages
        self._tell = tell or (lambda text: {messages: [HumanMessage(text)]})
        self._speaker: dict[str, str] = {}
        self._ran: tuple[str, ...] = ()
        self._called: set[str] = set()
        self._later: list[str] = []

    def invoke(self, input: Any, config: Mapping[str, Any], **more: Any) -> Any:
        """As the graph's own: the state's values at the end, or where the graph interrupts itself. input: None to take
        a run up. more: `context`, `durability`. Raises Stopped and Unanswered too."""
        driver = self._drive(input, dict(config), more)
        try:
            method, args, named = next(driver)
            while True:
                found = getattr(self.graph if method in _ASYNC else self.review, method)(*args, **named)
                method, args, named = driver.send(list(found) if hasattr(found, "__next__") else found)
        except StopIteration as end:
            return end.value

    async def ainvoke(self, input: Any, config: Mapping[str, Any], **more: Any) -> Any:
        """As `invoke`, for graphs with asynchronous nodes or checkpointers."""
        driver = self._drive(input, dict(config), more)
        try:
            method, args, named = next(driver)
            while True:
                if method in _ASYNC:
                    found = getattr(self.graph, _ASYNC[method])(*args, **named)
                else:
                    found = self.review.gate_async(*args, **named)
                got = [item async for item in found] if hasattr(found, "__aiter__") else await found
                method, args, named = driver.send(got)
        except StopIteration as end:
            return end.value

    # -- the run ------------------------------------------------------------------------------------------------------

    def _drive(self, input: Any, config: dict[str, Any], more: dict[str, Any]) -> _Driver:
        """Run the graph from gate to gate."""
        limit = left = ensure_config(config)["recursion_limit"]
        self.review.start(["edit", "state"], _task(input, self._messages))
        self.review.ask_again()
        if isinstance(input, Command):  # the answer to an interrupt of the graph's own
            state = yield from self._super_step(input, config, more)
        elif input is None:
            state = yield from self._take_up(config)
        else:
            state = yield from self._begin(input, config, more)
        thread = _newest(config)
        while not state.interrupts:
            state = yield from self._gates(state, thread, more)
            if not state.next:
                break
            if left <= 0:
                raise GraphRecursionError(f"Recursion limit of {limit} reached without hitting a stop condition.")
            state = yield from self._super_step(None, {**thread, "recursion_limit": left}, more)
            left -= 1
        return state.values

    def _begin(self, input: Any, config: dict[str, Any], more: dict[str, Any]) -> _Driver:
        """Give the graph its input, and stop before its first node: the place of a rollback to the beginning."""
        before = yield "get_state", (config,), {}
        yield "stream", (input, config), {**more, "interrupt_before": "*", "stream_mode": "updates"}
        state = yield "get_state", (_newest(config),), {}
        self._ran = (FIRST,)
        if not self.review.has_state(START):
            self.review.keep(START, self._place(state))
        self._note_added(before, state)
        return state

    def _take_up(self, config: dict[str, Any]) -> _Driver:
        """The state where an earlier process left it, with what happened since the last gate on the trail."""
        state = yield "get_state", (config,), {}
        if state.next and not self._ran and not self.review.earlier(_name(state)):
            passed = self.review.passed()
            before = (yield from self._find(passed[-1], config)) if passed else None
            for message in self._note_added(before, state):
                if isinstance(message, (AIMessage, ToolMessage)):
                    self.review.counted()
        return state

    def _super_step(self, input: Any, config: dict[str, Any], more: dict[str, Any]) -> _Driver:
        self.review.unbroken()
        events = yield "stream", (input, config), {**more, "interrupt_after": "*", "stream_mode": "updates"}
        ran = [(node, update) for event in events for node, update in event.items() if not node.startswith("__")]
        for node, update in ran:
            self._record(node, update)
        self._ran = tuple(dict.fromkeys(node for node, _ in ran)) or self._ran
        return (yield "get_state", (_newest(config),), {})

    def _record(self, node: str, update: Any) -> None:
        """What a node gave: its messages, then whatever else it changed."""
        self.review.counted()
        for part in update if isinstance(update, list) else [update]:
            values = dict(part) if isinstance(part, Mapping) else {} if part is None else {"": part}
            for message in messages_of(values.pop(self._messages, None)):
                note(self.review.trail, message, node, self._speaker)
            if values:
                self.review.trail.reply(node, arguments_text(shown(values)))

    def _note_added(self, before: Any, after: Any) -> list[BaseMessage]:
        """Put the messages that one state has more than another on the trail."""
        known = {message.id for message in self._messages_in(before)} if before else set()
        added = [message for message in self._messages_in(after) if message.id not in known]
        note_all(self.review.trail, added, self._speaker)
        return added

    # -- gates --------------------------------------------------------------------------------------------------------

    def _gates(self, state: Any, config: dict[str, Any], more: dict[str, Any]) -> _Driver:
        """Ask what must be asked where the graph stands; the state to go on from, without a next node at the end."""
        while state.next or not self.review.ended:
            proposed = self._proposed(state)
            if state.next and not self._must_ask(state, proposed):
                break
            asked = {"proposed": proposed, "final": not state.next, "state": self._place(state), "name": _name(state)}
            answer: Answer = yield "gate", (), asked
            if answer.verdict == "rollback":
                state = yield from self._go_back(answer, config, more)
            elif answer.verdict == "reject":
                state = yield from self._say(state, config, str(self.review.words(answer)), more)
            else:
                if answer.edited is not None and state.next:
                    state = yield from self._edit(state, proposed, calls_of(answer.edited))
                self._later += [words] if (words := self.review.words(answer)) else []
                break
        if state.next:
            state = yield from self._tell_later(state, config, more)
            self._call(self._proposed(state))
        return state

    def _must_ask(self, state: Any, proposed: Sequence[Call]) -> bool:
        return bool(
            self.review.earlier(_name(state))
            or self._at.intersection(state.next)
            or self.review.due()
            or self.review.asks_for(proposed)
        )

    def _call(self, calls: Sequence[Call]) -> None:
        """Note the calls that the next super-step makes."""
        for call in calls:
            if call.id not in self._called:
                self._called.add(str(call.id))
                self.review.trail.call(self._speaker.get(str(call.id), "agent"), [call])

    def _tell_later(self, state: Any, config: dict[str, Any], more: dict[str, Any]) -> _Driver:
        """Hand over what could not be said between a call and its result."""
        if self._later and not self._waiting(state):
            words, self._later = "\n\n".join(self._later), []
            return (yield from self._say(state, config, words, more))
        return state

    def _say(self, state: Any, config: dict[str, Any], words: str, more: dict[str, Any]) -> _Driver:
        """Tell the agent something. Calls that wait are not made: each is answered instead."""
        self.review.tell(words)
        if not state.next:
            yield "stream", (self._tell(words), config), {**more, "interrupt_before": "*", "stream_mode": "updates"}
            self._ran = (FIRST,)
            return (yield "get_state", (config,), {})
        if waiting := self._waiting(state):
            return (yield from self._refuse(state, words, waiting))
        node = self._ran[0] if self._ran else None
        yield "update_state", (state.config, self._tell(words)), {"as_node": node}
        after = yield "get_state", (config,), {}
        if sorted(after.next) != sorted(state.next):
            raise UserError(
                f"telling the agent something would change what comes next: {after.next}, not {state.next}.",
                "Give `tell` an update that does not.",
            )
        return after

    def _refuse(self, state: Any, words: str, waiting: Sequence[Mapping[str, Any]]) -> _Driver:
        """Answer the calls in place of the node that would make them, so that it does not run."""
        node = _only(state)
        answers = [
            ToolMessage(
                words if place == 0 else "Not made either.", tool_call_id=call["id"], name=call["name"], status="error"
            )
            for place, call in enumerate(waiting)
        ]  # fmt: skip
        after = yield from self._replace(state, {self._messages: answers}, node)
        if node in after.next:
            raise UserError(f"the calls were rejected, but {node!r} would run all the same.", "Nothing was run.")
        self._ran = (node,)
        self._called.update(str(call["id"]) for call in waiting)
        return after

    def _edit(self, state: Any, proposed: Sequence[Call], edited: Sequence[Call]) -> _Driver:
        """Put the edited calls into the message that made them, and let the graph decide again what comes next."""
        _only(state)
        pairs, _ = paired(proposed, edited)
        if not any(pairs):
            return (yield from self._refuse(state, "The reviewer took these calls out.", self._waiting(state)))
        new = dict(zip((call.id for call in proposed), pairs, strict=True))
        changed = [
            with_calls(message, new) for message in self._turn(state) if any(c["id"] in new for c in message.tool_calls)
        ]
        writer = self._speaker.get(str(proposed[0].id)) or (self._ran[0] if self._ran else None)
        return (yield from self._replace(state, {self._messages: changed}, writer))

    def _replace(self, state: Any, update: dict[str, Any], node: str | None) -> _Driver:
        """Drop the tasks that wait (tool nodes are sent one for each call), and put an update of a node's there."""
        steps = [[StateUpdate(None, END)], [StateUpdate(update, node)]]
        config = yield "bulk_update_state", (state.config, steps), {}
        return (yield "get_state", (_newest(config),), {})

    # -- going back ---------------------------------------------------------------------------------------------------

    def _go_back(self, answer: Answer, config: dict[str, Any], more: dict[str, Any]) -> _Driver:
        """Fork the history where a gate stood, and tell the agent. The thread goes on from the fork."""
        if self.review.has_state(answer.to_gate):
            place = self.review.state_at(answer)
        else:  # a gate of an earlier process
            found = yield from self._find(str(answer.to_gate), config)
            if found is None:
                self.review.restart(answer, "the checkpoint there is gone")
            place = _Place(found.config, (FIRST,) if answer.to_gate == START else ())
        state = yield "get_state", (place.config,), {}
        self._ran, self._later = place.ran, []
        if not state.next or self._waiting(state):
            # A fork without what the next nodes wrote: LangGraph keeps that with the checkpoint, and would apply it.
            fork = yield "update_state", (state.config, None), {"as_node": "__copy__"}
            state = yield "get_state", (fork,), {}
        return (yield from self._say(state, config, str(self.review.words(answer)), more))

    def _find(self, gate: str, config: dict[str, Any]) -> _Driver:
        """The checkpoint that a gate is named after; for START the one where the input was taken; None if not there."""
        history = yield "get_state_history", (_newest(config),), {}
        if gate != START:
            return next((state for state in history if _name(state) == gate), None)
        first = next(iter(self.review.passed(undone=True)), None)
        ids = {_id(state.config): state for state in history}
        state = next((state for state in history if _name(state) == first), None)
        while state is not None and state.parent_config is not None:
            parent = ids.get(_id(state.parent_config))
            if parent is None or parent.metadata["source"] == "input":
                return state
            state = parent
        return state

    def _place(self, state: Any) -> _Place:
        return _Place(state.config, self._ran)

    # -- messages -----------------------------------------------------------------------------------------------------

    def _messages_in(self, state: Any) -> list[BaseMessage]:
        values = state.values if isinstance(state.values, Mapping) else {}
        return messages_of(values.get(self._messages))

    def _turn(self, state: Any) -> list[AIMessage]:
        """The models' messages that nobody has spoken after; tools may have."""
        found: list[AIMessage] = []
        for message in reversed(self._messages_in(state)):
            if isinstance(message, AIMessage):
                found.append(message)
            elif not isinstance(message, ToolMessage):
                break
        return found[::-1]

    def _waiting(self, state: Any) -> list[Mapping[str, Any]]:
        """Tool calls without an answer."""
        found = self._messages_in(state)
        answered = {message.tool_call_id for message in found if isinstance(message, ToolMessage)}
        return [call for message in self._turn(state) for call in message.tool_calls if call["id"] not in answered]

    def _proposed(self, state: Any) -> list[Call]:
        return [Call(call["name"], call["args"], call["id"]) for call in self._waiting(state)] if state.next else []


def _id(config: Mapping[str, Any]) -> str:
    return str(config["configurable"]["checkpoint_id"])


def _name(state: Any) -> str:
    """A gate's name: the super-step, and the end of the checkpoint's id."""
    return f"{state.metadata['step']}-{_id(state.config)[-_ID_CHARS:]}"


def _newest(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration of a thread at its newest checkpoint."""
    chosen = {name: value for name, value in config.get("configurable", {}).items() if name != "checkpoint_id"}
    return {**config, "configurable": chosen}


def _only(state: Any) -> str:
    """The node that waits. Raises UserError where several do: their work could not be told apart."""
    nodes = sorted(set(state.next))
    if len(nodes) != 1:
        raise UserError(
            f"several nodes are next ({', '.join(nodes)}), so calls cannot be changed or rejected.", "Nothing was run."
        )
    return str(nodes[0])


def _task(input: Any, key: str) -> str | None:
    """The task, where none is given: what the user says first."""
    if not isinstance(input, Mapping):
        return None
    said = [message.text for message in messages_of(input.get(key)) if isinstance(message, HumanMessage)]
    return str(said[0]) if said else arguments_text(shown(input)) or None

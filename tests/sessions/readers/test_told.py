"""Which messages of a repeated history are new."""

from sessions.readers.told import Memory, Said
from sessions.run import Part


def user(text):
    return Said("user", [Part("text", text)])


def agent(text):
    return Said("assistant", [Part("text", text)])


def system(text):
    return Said("system", [Part("text", text)])


class Talk:
    """A memory, asked as `spans` asks it."""

    def __init__(self):
        self.memory = Memory()

    def say(self, messages, answer, lane="a", owner=1, nested=False):
        fresh, thread = self.memory.new(messages, lane, owner, nested=nested)
        self.memory.answer(thread, [agent(answer)])
        return [part.text for message in fresh for part in message.parts]


def test_only_the_tail_is_new_and_repeated_words_are_kept():
    talk = Talk()
    history = [system("s"), user("go on")]
    assert talk.say(history, "1") == ["s", "go on"]
    history += [agent("1"), user("go on")]
    assert talk.say(history, "1") == ["go on"]
    history += [agent("1"), user("go on")]
    assert talk.say(history, "2") == ["go on"]
    assert talk.say(history, "2") == []  # asked again: the model's first answer was lost


def test_a_shortened_history_tells_only_what_was_not_told():
    talk = Talk()
    talk.say([user("task"), agent("a"), user("b"), agent("c"), user("d")], "e")
    assert talk.say([user("task"), user("summary of all"), user("d"), agent("e"), user("f")], "g") == [
        "summary of all",
        "f",
    ]
    assert talk.say([user("task"), user("summary of all"), user("d"), agent("e"), user("f"), agent("g")], "h") == []


def test_a_side_question_does_not_disturb_the_conversation():
    talk = Talk()
    talk.say([user("task")], "a")
    assert talk.say([user("name this talk")], "A talk") == ["name this talk"]
    assert talk.say([user("task"), agent("a"), user("b")], "c") == ["b"]


def test_an_agent_asked_twice_is_told_twice_but_a_request_made_again_is_not():
    talk = Talk()
    assert talk.say([user("dig")], "dug", owner=1) == ["dig"]
    assert talk.say([user("dig")], "dug", owner=1) == []
    assert talk.say([user("dig")], "dug", owner=2) == ["dig"]


def test_sub_agents_with_the_same_words_are_told_apart():
    talk = Talk()
    talk.say([user("task")], "calls")
    assert talk.say([system("w"), user("dig")], "x", lane="w1", owner=2, nested=True) == ["w", "dig"]
    assert talk.say([system("w"), user("dig")], "y", lane="w2", owner=3, nested=True) == ["w", "dig"]
    assert talk.say([system("w"), user("dig"), agent("x"), user("more")], "z", "w1", 2, nested=True) == ["more"]
    assert talk.say([user("task"), agent("calls"), user("done")], "end") == ["done"]


def test_messages_are_compared_piece_by_piece():
    talk = Talk()
    fresh, thread = talk.memory.new([user("task")], "a", 1, nested=False)
    both = [Part("reasoning", "hm"), Part("text", "I look."), Part("tool_call", "", name="ls", call_id="c")]
    talk.memory.answer(thread, [Said("assistant", both)])
    split = [
        user("task"),
        agent("I look."),
        Said("assistant", both[2:]),
        Said("tool", [Part("tool_result", "x", call_id="c")]),
    ]
    fresh, thread = talk.memory.new(split, "a", 1, nested=False)
    assert fresh == split[3:]
    grown = [
        *split[:3],
        Said("tool", [Part("tool_result", "[cut]", call_id="c")]),
        Said("assistant", [Part("reasoning", "?")]),
        user("u"),
    ]
    fresh, thread = talk.memory.new(grown, "a", 1, nested=False)
    assert [message.role for message in fresh] == ["user"]

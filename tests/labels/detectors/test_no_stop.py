"""The end is there and the run goes on."""

from hint_runs import bash, call, check_hostile, do, found, mini, numbers, quotes, say, user

from sessions.run import Part, Step

MODE = "unaware-of-termination-conditions"


def proxy(text):
    return say(text, "proxy", "user")


def test_talk_after_the_end_word():
    steps = [
        user("What is the sum?"),
        say("The sum is 1,284. TERMINATE", "assistant"),
        proxy("Thank you. Please continue if there is anything left to solve."),
        say("The sum is 1,284, as computed.", "assistant"),
        proxy("Nothing else. Please continue."),
        say("Glad it helped! The sum remains 1,284.", "assistant"),
    ]
    (suggestion,) = found("no-stop", *steps)
    assert suggestion.mode == MODE
    assert numbers([suggestion]) == [(2, 6)]
    assert "TERMINATE" in quotes(suggestion)


def test_work_after_a_finishing_tool():
    steps = [
        user("Fix it."),
        do("Done.", call("finish", {"message": "Task complete."}, "Finished.")),
        do("Tidying.", bash("ls")),
        say("All is well."),
    ]
    assert numbers(found("no-stop", *steps)) == [(2, 4)]


def test_rounds_of_thanks():
    steps = [
        user("Go."),
        say("Here it is: 42.", "A"),
        *[
            say(text, "AB"[n % 2])
            for n, text in enumerate(["Thank you!", "You're welcome!", "Have a great day.", "Goodbye!"])
        ],
    ]
    (suggestion,) = found("no-stop", *steps)
    assert suggestion.mode == MODE
    assert suggestion.first.index == 2


def test_the_same_action_up_to_the_limit():
    action = [do("Again.", mini("make deploy", "denied", True)) for _ in range(5)]
    end = Step("environment", "environment", [Part("raw", '{"exit_status":"LimitsExceeded"}', name="exit")])
    (suggestion,) = found("no-stop", user("Deploy."), *action, end)
    assert "make deploy" in quotes(suggestion)
    assert "LimitsExceeded" in quotes(suggestion)


def test_a_limit_that_stops_real_work():
    action = [do("On.", mini(f"python step{n}.py", "ok")) for n in range(9)]
    end = Step("environment", "environment", [Part("raw", '{"exit_status":"LimitsExceeded"}', name="exit")])
    assert found("no-stop", user("Go."), *action, end) == []


def test_one_more_check_and_then_the_end():
    steps = [
        user("Sum?"),
        say("1,284. Before I close, I add again."),
        do("", bash("python sum.py", "1284")),
        say("TERMINATE"),
    ]
    assert found("no-stop", *steps) == []


def test_a_new_request_begins_anew():
    steps = [user("Sum?"), say("1,284. TERMINATE"), user("Now multiply them, please."), say("Working."), say("99.")]
    assert found("no-stop", *steps) == []


def test_instructions_that_name_the_end_word_are_no_end():
    steps = [
        user("Sum? Reply TERMINATE when done."),
        say("Reply TERMINATE when you have the sum, please, Bob."),
        say("Adding."),
        say("Still adding."),
    ]
    assert found("no-stop", *steps) == []


def test_a_hand_in_that_is_sent_back_for_review():
    review = "Thank you for your work. Please review your changes and submit again."
    steps = [user("Fix."), do("", call("submit", {"x": "y"}, review)), do("", bash("git diff")), do("", bash("ls"))]
    assert found("no-stop", *steps) == []


def test_a_worker_that_ends_its_own_part():
    direct = Step("Orchestrator", "agent", [Part("text", "Please list options.", name="-> Assistant")])
    steps = [
        user("Go."),
        direct,
        say("Options: a. TERMINATE", "Assistant"),
        say("Next: b.", "Orchestrator"),
        say("c", "WebSurfer"),
    ]
    assert found("no-stop", *steps) == []


def test_a_plan_whose_step_ends():
    steps = [
        user("Go."),
        do("", call("terminate", {"status": "success"}, "done")),
        say("Executing step 2/5"),
        say("On it."),
    ]
    assert found("no-stop", *steps) == []


def test_polite_words_between_work():
    steps = [user("Go."), *[step for n in range(4) for step in (say("Thank you!"), do("", bash(f"ls {n}")))]]
    assert found("no-stop", *steps) == []


def test_a_helpful_agent_and_a_polite_customer():
    steps = [
        user("Hi"),
        say("Your refund is on its way."),
        user("Thank you!"),
        say("You're welcome! Have a great day."),
        user("###STOP###"),
    ]
    assert found("no-stop", *steps) == []


def test_thanks_at_the_start_of_work():
    steps = [say("Thank you for the file. Let's search for the class next.", "AB"[n % 2]) for n in range(8)]
    assert found("no-stop", *steps) == []


def test_it_says_so_once():
    steps = [user("Sum?"), say("1. TERMINATE"), *[say("Glad it helped!", "AB"[n % 2]) for n in range(50)]]
    assert len(found("no-stop", *steps)) == 2  # once for the end word, once for the thanks


def test_hostile_text():
    check_hostile("no-stop")

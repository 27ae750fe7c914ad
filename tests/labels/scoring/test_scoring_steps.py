"""Finding the step at which a run went wrong: the measures, the priors, and the ranker, which must earn its place."""

import sys
from pathlib import Path

import numpy as np
import pytest
from labelled import APPROVE, BOOKS, chunk, claim, facts, label, put_runs, say

from labels.scoring import corpora, localisation, predict, ranker, training
from labels.scoring.features import FEATURES, ActorRates, facts_of, suspicion, vectors
from labels.scoring.localisation import Located
from labels.scoring.truth import Account
from sessions.errors import UserError
from sessions.run import Flag, Part, Step
from sessions.store import Store


def step(actor: str = "worker", text: str = "x", error: bool = False, call: str | None = None) -> Step:
    parts = [Part("text", text)]
    if call is not None:
        parts.append(Part("tool_call", call, name="bash", call_id="1", arguments={"command": call}))
    if error:
        parts.append(Part("tool_result", "no", call_id="1", is_error=True))
    return Step(actor, "agent", parts)


def located(steps, decisive: int, cluster: int = 0, claims=(), **more) -> Located:
    fields = {"corpus": "made up", "trust": "sound", "system": "A", **more}
    return Located(cluster=cluster, facts=facts(steps), claims=claims, versions={}, decisive=decisive, **fields)


# -- measures -----------------------------------------------------------------------------------------------------


def test_exact_near_and_top_three() -> None:
    runs = [located([step()] * 10, 4, cluster) for cluster in range(4)]
    found = localisation.score("m", runs, [[4], [5, 9, 4], [1, 2, 3, 4], []])
    assert found.named == 3
    assert [item.value for item in (found.exact, found.within_1, found.within_3, found.top_3)] == [0.25, 0.5, 0.75, 0.5]
    assert found.mrr.value == pytest.approx((1 + 1 / 3 + 1 / 4) / 4)


def test_chance_is_what_random_orders_give() -> None:
    run = located([step()] * 10, 0)
    found = localisation.chance([run, located([step()] * 2, 1, 1)])
    assert found.exact.value == pytest.approx((1 / 10 + 1 / 2) / 2)
    assert found.within_1.value == pytest.approx((2 / 10 + 1) / 2)
    assert found.top_3.value == pytest.approx((3 / 10 + 1) / 2)
    random = np.random.default_rng(1)
    orders = [random.permutation(10).tolist() for _ in range(4000)]
    sampled = localisation.score("random", [run] * 4000, orders)
    single = localisation.chance([run])
    for mine, theirs in ((single.exact, sampled.exact), (single.top_3, sampled.top_3), (single.mrr, sampled.mrr)):
        assert mine.value == pytest.approx(theirs.value, abs=0.03)


def test_guesses_that_hardly_look() -> None:
    error = located([step(), step(), step(error=True), step()], 1)
    assert localisation.before_error(error.facts) == [1]
    assert localisation.before_error(facts([step(), step()])) == [1]
    others = [located([step()] * 5, 3, 1), located([step()] * 5, 3, 2), located([step()] * 5, 1, 3)]
    assert localisation.position_prior(others, error.facts) == [3, 1, 0, 2]
    assert localisation.relative_prior(others, facts([step()] * 10))[0] == 6
    mixed = [located([step("boss"), step("worker"), step("boss")], 1, place) for place in range(3)]
    assert localisation.role_prior(mixed, facts([step("boss"), step("boss"), step("worker")])) == [2, 0, 1]


def test_priors_are_learnt_from_other_runs_only() -> None:
    """Each run goes wrong at a place of its own: a prior that saw it would be right every time."""
    group = [located([step()] * 10, place, place) for place in range(5)]
    for name, orders in localisation.baselines(group).items():
        if name.endswith("prior") and "role" not in name:
            assert all(order[0] != run.decisive for order, run in zip(orders, group, strict=True) if run.decisive), name


def test_a_detectors_order_is_by_score_then_place() -> None:
    claims = [claim(first=5, score=0.5), claim(first=2, score=0.5), claim(first=8, score=0.9), claim("b", first=0)]
    assert localisation.order_of(claims, "words") == [8, 2, 5]
    assert localisation.order_of(claims, None) == [8, 0, 2, 5]
    group = [located([step()] * 10, 8, place, claims) for place in range(2)]
    by_method = {item.method: item for item in localisation.scores(group, ["words", "silent"])}
    assert by_method["words"].exact.value == 1.0
    assert "silent" not in by_method


# -- features and model -------------------------------------------------------------------------------------------


def test_features_say_what_they_are_named() -> None:
    steps = [step("boss"), step(call="ls"), step(call="ls", error=True), step("boss", "y" * 100)]
    rates = ActorRates(0.1, {"boss": 0.2})
    rows = vectors(facts(steps), [0.0, 0.0, 0.7, 0.0], rates)
    table = {name: [row[place] for row in rows] for place, name in enumerate(FEATURES)}
    assert all(len(row) == len(FEATURES) for row in rows)
    assert table["first"] == [1, 0, 0, 0]
    assert table["last"] == [0, 0, 0, 1]
    assert table["relative position"] == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert table["actor rate"] == pytest.approx([np.log(2), 0, 0, np.log(2)])
    assert table["actor's first turn"] == [1, 1, 0, 0]
    assert table["other actor than before"] == [0, 1, 0, 1]
    assert table["error"] == [0, 0, 1, 0]
    assert (table["error next"], table["error just before"]) == ([0, 1, 0, 0], [0, 0, 0, 1])
    assert table["no error yet"] == [1, 1, 1, 0]
    assert table["tool"] == [0, 1, 1, 0]
    assert table["log repetitions"] == pytest.approx([0, 0, np.log(2), 0])
    assert (table["suspicion"], table["suspected before"]) == ([0, 0, 0.7, 0], [0, 0, 0, 1])
    assert suspicion([claim(first=1, quoted=(2, 99), score=0.4), claim(first=2, score=0.3)], 3) == [0, 0.4, 0.4]


def test_rates_are_smoothed_and_a_run_can_be_taken_out() -> None:
    runs = [(facts([step("a"), step("b")]), 0) for _ in range(10)]
    rates = ActorRates.learn(runs)
    assert rates.base == 0.5
    assert 0.5 < rates.rates["a"] < 1
    assert rates.log_ratio("nobody") == 0
    assert ActorRates.learn([]).log_ratio("a") == 0


def taught(runs: int = 12) -> list[Located]:
    """Runs that go wrong at the first repetition of a call, wherever it stands and whoever makes it."""
    found = []
    for place in range(runs):
        length, wrong = 12 + place % 5, 3 + (place * 7) % 8
        steps = [step(f"actor {index % 3}", call=f"cmd {index}") for index in range(length)]
        steps[wrong] = Step(steps[wrong - 1].actor, "agent", steps[wrong - 1].parts)
        found.append(located(steps, wrong, place))
    return found


def test_what_can_be_learnt_is_learnt_proven_and_comes_back_from_json() -> None:
    runs = taught(20)
    proof = training.prove(runs, runs)
    assert proof is not None
    assert proof.ranker.exact.value > 0.8
    assert proof.verdict == ""
    model = training.fit(runs)
    again = ranker.Model.of(model.json())
    assert again == model
    order = again.order(runs[0].facts, ())
    assert order[0][0] == runs[0].decisive
    assert sum(share for _, share in order) == pytest.approx(1)
    assert sorted(index for index, _ in order) == list(range(len(runs[0].facts)))
    assert model.order([], ()) == []
    other = model.json() | {"features": ["something else"]}
    assert ranker.Model.of(other) is None


def test_the_dot_product_is_scikit_learns_decision_function() -> None:
    from sklearn.linear_model import LogisticRegression

    runs = taught()
    seen = {}
    original = LogisticRegression.fit

    def spy(self, table, labels, sample_weight=None):
        seen["model"], seen["table"] = self, table
        return original(self, table, labels, sample_weight=sample_weight)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LogisticRegression, "fit", spy)
        model = training.fit(runs)
    rates = ActorRates(model.base, model.actors)
    raw = np.array(vectors(runs[0].facts, [0.0] * len(runs[0].facts), rates))
    theirs = seen["model"].decision_function((raw - np.array(model.mean)) / np.array(model.scale))
    mine = model.order(runs[0].facts, ())
    assert [index for index, _ in mine] == sorted(range(len(theirs)), key=lambda index: (-theirs[index], index))
    shares = np.exp(theirs - theirs.max())
    assert dict(mine)[0] == pytest.approx(shares[0] / shares.sum())


def test_noise_is_not_shown() -> None:
    """Where nothing points at the step, no luck may show the ranker: ten made-up corpora, no exception."""
    shown = 0
    for seed in range(10):
        random = np.random.default_rng(seed)
        runs = []
        for place in range(15):
            steps = [step(f"actor {random.integers(3)}", "x" * int(random.integers(50))) for _ in range(12)]
            runs.append(located(steps, int(random.integers(12)), place))
        proof = training.prove(runs, runs)
        assert proof is not None
        shown += proof.verdict == ""
    assert shown == 0


def test_too_few_runs_are_not_learnt_from() -> None:
    runs = taught(6)
    assert training.prove(runs[:5], runs[:5]) is None
    proof = training.prove(runs, runs)
    assert proof is not None
    assert "6 runs only" in proof.verdict
    assert training.prove([located([step()] * 3, 1)] * 9, [located([step()] * 3, 1)] * 9) is None, "one task"


# -- in the database ----------------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path):
    with Store.open(tmp_path / "review.db") as opened:
        yield opened


def review(store: Store, folder: Path, number: int, blind: bool = True) -> list:
    """Runs of one system whose root cause, a repeated step, somebody marked."""
    lines, wrong = {}, {}
    for place in range(number):
        name = f"run {place}"
        at = wrong[name] = 2 + (place * 5) % 7
        texts = [f"{place} does {index} {'z' * (index * 3)}" for index in range(12)]
        texts[at] = texts[at - 1]
        lines[name] = texts
    runs = put_runs(store, folder, lines, system="Robot")
    for name, run in runs.items():
        number_of = wrong[name] // 5 + 1
        cause = label(store, run, "step-repetition", wrong[name], root_cause=True)
        say(store, run, chunk(store, run, number_of), cause, APPROVE, blind=blind)
    return list(runs.values())


def test_training_on_a_database_and_the_ranking_of_a_new_run(store: Store, tmp_path: Path) -> None:
    runs = review(store, tmp_path / "runs", 14)
    (fresh,) = put_runs(store, tmp_path / "new", {"new": ["a", "b", "c", "c", "d", "e"]}, system="Robot").values()
    (other,) = put_runs(store, tmp_path / "other", {"other": ["a", "a", "b"]}, system="Other").values()
    assert ranker.ranking(store, fresh) is None
    entry = training.train(store)["systems"]["Robot"]
    assert (entry["shown"], entry["runs"], entry["blind"]) == (True, 14, 14), entry["why"]
    order = ranker.ranking(store, fresh)
    assert order is not None
    assert order[0][0] == 3
    assert ranker.ranking(store, other) is None, "it learns where one system fails"
    assert ranker.ranking(store, runs[0]) is not None


def test_what_was_marked_in_view_of_suggestions_may_teach_but_proves_nothing(store: Store, tmp_path: Path) -> None:
    review(store, tmp_path / "runs", 14, blind=False)
    entry = training.train(store)["systems"]["Robot"]
    assert (entry["shown"], entry["runs"], entry["blind"]) == (False, 14, 0)
    assert "blind" in entry["why"]


def test_training_on_few_or_no_runs_says_so(store: Store, tmp_path: Path) -> None:
    assert training.train(store)["systems"] == {}
    review(store, tmp_path / "runs", 3)
    entry = training.train(store)["systems"]["Robot"]
    assert entry["model"] is None
    assert "3 of its runs" in entry["why"]


def test_without_scikit_learn_one_line_says_what_to_install(store: Store, tmp_path: Path, monkeypatch) -> None:
    review(store, tmp_path / "runs", 14)
    training.train(store)
    run = put_runs(store, tmp_path / "new", {"new": ["a", "b", "b"]}, system="Robot")["new"]
    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    with pytest.raises(UserError, match="scikit-learn"):
        training.train(store)
    assert ranker.ranking(store, run) is not None, "using what was learnt needs none of it"


# -- real runs ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def who_and_when(real_data: Path) -> dict[str, list[Located]]:
    cases = corpora.cases([real_data / "whowhen"], BOOKS, Account())
    runs = localisation.located(predict.look(cases, [], BOOKS, predict.Troubles()))
    return {name: [run for run in runs if run.system == name] for name in ("AG2 CaptainAgent", "Magentic-One")}


@pytest.mark.real_data
@pytest.mark.parametrize(("system", "runs"), [("AG2 CaptainAgent", 58), ("Magentic-One", 23)])
def test_the_ranker_is_shown_where_it_beats_the_priors(who_and_when, system: str, runs: int) -> None:
    """It learns a system's weak places, as was found on the whole corpus (126 runs of AG2: top 3 .71, against .52 for
    the best constant position)."""
    mine = who_and_when[system]
    proof = training.prove(mine, mine)
    assert proof is not None
    assert proof.verdict == ""
    assert proof.ranker.runs == runs
    assert all(proof.ranker.top_3.value > prior.top_3.value for prior in proof.priors)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("learn_from", "try_on"), [("AG2 CaptainAgent", "Magentic-One"), ("Magentic-One", "AG2 CaptainAgent")]
)
def test_the_ranker_is_refused_on_another_system(who_and_when, learn_from: str, try_on: str) -> None:
    """There it collapses (on the whole corpus too: 1.7 % exact), and must not be shown."""
    proof = training.prove(who_and_when[learn_from], who_and_when[try_on])
    assert proof is not None
    assert proof.verdict
    assert proof.ranker.exact.value < 0.05


def test_facts_keep_no_text() -> None:
    (fact,) = facts([step(text="secret " * 50)])
    assert "secret" not in repr(fact)
    assert fact.chars == 350
    assert not fact.flags & Flag.TOOL
    assert facts_of([]) == []

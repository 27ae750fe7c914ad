"""A report from end to end, how detectors are treated while they are measured, and the figures that are shipped."""

import json
from pathlib import Path

import pytest
from labelled import APPROVE, BOOKS, NONE, REPETITION, RESET, WordDetector, chunk, label, put_runs, say, whole

from labels import detectors, figures
from labels.detection import detect
from labels.detectors.base import Finding, Quote
from labels.figures import Figures, decimal
from labels.scoring import predict, report
from labels.scoring.figures import measure
from labels.scoring.truth import Account
from sessions import catalog
from sessions.ingest import import_file
from sessions.store import Store


class Lying(WordDetector):
    """Quotes what is not there."""

    def start(self, run):
        watch = super().start(run)
        feed = watch.feed

        def lie(steps):
            for found in feed(steps):
                yield Finding(found.mode, found.first, found.last, (Quote(found.first, 0, 0, 4, "lies"),), 0.5, "")

        watch.feed = lie
        return watch


class Failing(WordDetector):
    """Raises in its second chunk."""

    def start(self, run):
        watch = super().start(run)
        feed = watch.feed

        def fail(steps):
            if steps and steps[0].index:
                raise RuntimeError("no more")
            return list(feed(steps))

        watch.feed = fail
        return watch


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Four runs of six turns; the odd ones say "again" in their last turn, where it is labelled."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    known = []
    for place in range(4):
        messages = [{"role": "user", "content": f"Task {place}"}]
        messages += [{"role": "assistant", "content": f"turn {turn}"} for turn in range(1, 5)]
        messages.append({"role": "assistant", "content": "again" if place % 2 else "done"})
        (folder / f"{place}.json").write_text(json.dumps({"messages": messages}))
        labels = [
            {"mode": "step-repetition", "first_step": 6, "last_step": 6, "evidence": [{"step": 6, "quote": "again"}]}
        ]
        known.append(
            {"run": f"{place}.json", "codebook": "mast", "labels": labels if place % 2 else [], "none": not place % 2}
        )
    (folder / "labels.json").write_text(json.dumps(known))
    return folder


def test_a_report_on_a_corpus(corpus: Path) -> None:
    done = report.on_corpora([corpus], [WordDetector(), WordDetector("turn 1", RESET, "other")], BOOKS)
    assert done.runs == 4
    assert done.labelled["staged", REPETITION] == (4, 2)
    first, second = done.scores
    assert (first.detector, first.f1.value, first.evidence.hit.value) == ("words", 1.0, 1.0)
    assert (second.detector, second.precision.value, second.recall.value) == ("other", 0.0, None)
    assert {item.detector: item.per_good.value for item in done.alerts} == {"words": 0.0, "other": 1.0}
    value = json.loads(json.dumps(done.json()))
    assert value["scores"][1]["recall"] == {
        "value": None,
        "low": None,
        "high": None,
        "why": "the mode is present nowhere",
    }
    assert value["scores"][0]["baselines"]["prevalence"] == 0.5
    assert not done.steps, "no step is known to be decisive"


def test_only_some_modes(corpus: Path) -> None:
    done = report.on_corpora([corpus], [WordDetector(), WordDetector("turn 1", RESET, "other")], BOOKS, [RESET])
    assert [item.mode for item in done.scores] == [RESET]
    assert set(done.labelled) == {("staged", RESET)}


def test_a_detector_that_fails_on_a_run_does_not_count_there(corpus: Path) -> None:
    done = report.on_corpora([corpus], [WordDetector(), Failing(id="failing"), Lying(id="lying")], BOOKS)
    assert [item.detector for item in done.scores] == ["words", "lying"]
    assert done.troubles.off == {"failing": {"RuntimeError: no more": 4}}
    assert done.json()["switched_off"] == [{"detector": "failing", "reason": "RuntimeError: no more", "runs": 4}]
    assert done.scores[1].fired == 0, "what is not there is no quote"
    assert done.troubles.dropped["lying"] == 2


def test_a_report_on_a_database_uses_what_was_found_before(tmp_path: Path, monkeypatch) -> None:
    with Store.open(tmp_path / "review.db") as store:
        runs = put_runs(store, tmp_path / "runs", {"one": ["a", "again", "c"], "two": ["a", "b", "c"], "three": ["a"]})
        say(store, runs["one"], chunk(store, runs["one"]), label(store, runs["one"], "step-repetition", 1), APPROVE)
        say(store, runs["two"], chunk(store, runs["two"]), NONE, APPROVE)
        detect(store, runs["one"], [WordDetector()], BOOKS)
        asked = []
        original = WordDetector.start
        monkeypatch.setattr(WordDetector, "start", lambda self, run: asked.append(run) or original(self, run))
        done = report.on_database(store, [WordDetector()], BOOKS)
        assert len(asked) == 1, "the run that it has not looked at"
        (found,) = done.scores
        assert (found.units, found.f1.value, found.trust) == (2, 1.0, "sound")
        assert done.answers == []
        (step,) = [item for item in done.steps if item.method == "words"]
        assert step.exact.value == 1.0


def test_what_a_judge_claimed_in_the_database_is_scored_too(tmp_path: Path) -> None:
    with Store.open(tmp_path / "review.db") as store:
        run = put_runs(store, tmp_path / "runs", {"one": ["a", "again", "c"]})["one"]
        say(store, run, chunk(store, run), label(store, run, "step-repetition", 1), APPROVE)
        detect(store, run, [WordDetector(id="judge:model")], BOOKS)
        done = report.on_database(store, [WordDetector()], BOOKS)
        assert [(item.detector, item.precision.value) for item in done.scores] == [("words", 1.0), ("judge:model", 1.0)]
        only = report.on_database(store, [WordDetector()], BOOKS, others=[])
        assert [item.detector for item in only.scores] == ["words"]


def test_progress_is_told(corpus: Path) -> None:
    told: list[int] = []
    report.on_corpora([corpus], [WordDetector()], BOOKS, (), told.append)
    assert told == [1, 2, 3, 4]


@pytest.mark.real_data
def test_a_database_with_the_labels_of_a_corpus_gives_the_scores_of_the_corpus(real_data: Path, tmp_path: Path) -> None:
    """Two ways to the same truth: read from the corpus's files, and decided blind by a reviewer on imported runs."""
    folder = real_data / "mast" / "ag2_labelled"
    detector = WordDetector("PASS", "disobey-role-specification@mast")
    (from_files,) = report.on_corpora([folder], [detector], BOOKS).scores
    with Store.open(tmp_path / "review.db") as store:
        for path in sorted(folder.glob("records*.json")):
            gold = json.loads(path.with_name(path.name.replace("records", "gold_labels")).read_text())["labels"]
            for imported in import_file(store, path).runs:
                run = catalog.run_by_id(store, imported.run)
                codes = gold[run.native_id]["present"]
                modes = [BOOKS.resolve(f"{code}@mast")[1].slug for code in codes]
                labels = [label(store, run, slug, 0, run.steps - 1) for slug in modes]
                say(store, run, whole(store, run), *(labels or [NONE]), APPROVE)
        (from_decisions,) = report.on_database(store, [detector], BOOKS).scores
    assert 0 < from_files.f1.value < 1
    names = ("units", "runs", "clusters", "positives", "fired", "precision", "recall", "f1", "average_precision")
    for name in (*names, "prevalence", "always_yes_f1", "length_ap", "prior_ap", "behind", "ahead"):
        assert getattr(from_decisions, name) == getattr(from_files, name), name


# -- the figures that are shipped -----------------------------------------------------------------------------------


def test_shipped_figures_can_be_read_and_say_what_they_are() -> None:
    found = figures.figures()
    assert found.date
    assert found.figures
    for (detector, mode), item in found.figures.items():
        assert detector in detectors.BUILT_IN
        assert mode in detectors.load(detector).modes
        assert item.trust == "sound"
        assert 0 <= item.positives <= item.judged
        assert item.short.startswith(("precision ", "never fired "))
        assert len(item.short) < 45


def test_shipped_figures_are_of_the_detectors_as_they_are() -> None:
    """Raising a detector's version without measuring it anew fails here: `python -m labels.scoring.figures`."""
    for item in figures.figures().figures.values():
        assert item.version == detectors.load(item.detector).version, item.detector


def test_a_package_without_figures_claims_nothing(tmp_path: Path, monkeypatch) -> None:
    for content in (None, b"{"):
        path = tmp_path / "figures.json"
        if content is not None:
            path.write_bytes(content)
        monkeypatch.setattr(figures, "PATH", path)
        figures.figures.cache_clear()
        assert figures.figures() == Figures("", {}, {}, {})
    monkeypatch.undo()
    figures.figures.cache_clear()


@pytest.mark.real_data
def test_shipped_figures_are_those_of_the_corpora(real_data: Path) -> None:
    """Measured anew, they are the same: nobody wrote them by hand."""
    value = json.loads(json.dumps(measure(real_data, ranker=False)))
    kept = json.loads(figures.PATH.read_bytes())
    assert value | {"date": kept["date"], "ranker": kept["ranker"]} == kept


def test_decimals() -> None:
    assert [decimal(value) for value in (0.0, 0.451, 1.0, 12.5)] == [".00", ".45", "1.00", "12.50"]


def test_nothing_heavy_is_imported_to_read_figures_or_probabilities() -> None:
    import subprocess
    import sys

    code = (
        "import sys; import labels.figures, labels.scoring.calibration, labels.scoring.acceptance; "
        "labels.figures.figures(); print([name for name in ('numpy', 'sklearn', 'pydantic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_looking_keeps_no_steps(corpus: Path) -> None:
    from labels.scoring import corpora

    found = predict.look(corpora.cases([corpus], BOOKS, Account()), [], BOOKS, predict.Troubles())
    assert all(item.facts == [] and item.claims == [] for item in found)

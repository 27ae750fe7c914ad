"""The MAST codebook: its facts agree with the reference, its wording is ours, its crosswalks cover the real drafts."""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from labels.codebook import BUILT_IN, Codebook, check, load
from sessions.jsontext import loads

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference"
RUN_OF_WORDS = 8
NOTHING_HERE = {
    "Undetected conversation ambiguities and contradictions",
    "Unbatched repetitive execution",
    "Disagreement induced inaction",
    "Waiting for known information",
}


@cache
def mast() -> Codebook:
    return load(BUILT_IN / "mast.toml")


@pytest.fixture(scope="session")
def facts() -> dict[str, Any]:
    """../shared/reference/mast14.json; skipped only where that folder does not exist."""
    if not REFERENCE.is_dir():
        pytest.skip("no folder ../shared/reference here")
    return json.loads((REFERENCE / "mast14.json").read_text(encoding="utf-8"))


def human_labelled(real_data: Path) -> list[dict[str, Any]]:
    return loads((real_data / "mast" / "MAD_human_labelled_dataset.json").read_bytes())


def runs_of_words(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"[a-z0-9]+", text.lower())
    return {tuple(words[i : i + RUN_OF_WORDS]) for i in range(len(words) - RUN_OF_WORDS + 1)}


def our_texts() -> list[str]:
    """Everything that we worded, with the name of a crosswalk entry left out: those are quoted on purpose."""
    texts = [mast().source, *(item.description for item in mast().categories)]
    for mode in mast().modes:
        assert mode.example
        assert mode.near_miss
        texts += [mode.definition, mode.note, mode.severity.note, *mode.when, *(case.text for case in mode.when_not)]
        texts += [mode.example.text, mode.example.why, mode.near_miss.text, mode.near_miss.why]
    for table in mast().crosswalks:
        texts += [table.note, *(entry.reason for entry in table.entries)]
    return texts


def test_there_is_nothing_to_warn_of() -> None:
    assert check(mast()) == []


def test_every_mode_is_complete() -> None:
    assert len(mast().modes) == 14
    for mode in mast().modes:
        assert 2 <= len(re.findall(r"[.!?](?:\s|$)", mode.definition)) <= 4, mode.slug
        assert 2 <= len(mode.when) <= 4, mode.slug
        assert 2 <= len(mode.when_not) <= 4, mode.slug
        assert mode.example, mode.slug
        assert mode.near_miss, mode.slug
        assert len(mode.example.text.splitlines()) >= 3, mode.slug
        assert len(mode.near_miss.text.splitlines()) >= 3, mode.slug
        assert mode.example.text != mode.near_miss.text
        assert mode.severity.source, mode.slug
        assert mode.stage, mode.slug


def test_its_source_and_licence_are_named() -> None:
    assert "2503.13657" in mast().source
    assert "CC BY 4.0" in mast().source


def test_codes_slugs_names_stages_and_categories_are_those_of_the_reference(facts: dict[str, Any]) -> None:
    ours = [(mode.code, mode.slug, mode.name, mode.stage, mode.category) for mode in mast().modes]
    theirs = [(m["id"], m["slug"], m["name"], m["stage"], str(m["category"])) for m in facts["modes"]]
    assert ours == theirs
    for category in mast().categories:
        name, _, other = facts["categories"][category.id].partition(" (v2: ")
        assert category.name == name
        assert other.rstrip(")") in category.description


def test_prior_severities_follow_the_source_and_say_where_it_contradicts_itself(facts: dict[str, Any]) -> None:
    expected = {None: "unclear", "non-fatal (text only)": "recoverable", "fatal": "fatal", "recoverable": "recoverable"}
    for fact in facts["modes"]:
        severity = mast().by_slug[fact["slug"]].severity
        assert severity.level == expected[fact["blog_class"]], fact["slug"]
        if fact["blog_class"] is None:
            assert "neither list" in severity.note
    for slug in ("incorrect-verification", "reasoning-action-mismatch"):
        assert "contradicts itself" in mast().by_slug[slug].severity.note
    assert "in its text only" in mast().by_slug["disobey-task-specification"].severity.note


def test_both_verification_modes_say_that_their_codes_swap() -> None:
    for slug in ("no-or-incomplete-verification", "incorrect-verification"):
        assert "3.2 and 3.3 swap" in mast().by_slug[slug].note


def test_no_wording_is_taken_from_the_reference(facts: dict[str, Any]) -> None:
    theirs = set().union(*(runs_of_words(fact["definition"]) for fact in facts["modes"]))
    for text in our_texts():
        assert not runs_of_words(text) & theirs, text


@pytest.mark.real_data
def test_no_wording_is_taken_from_the_data_set(real_data: Path) -> None:
    definitions = {note["failure mode"] for row in human_labelled(real_data) for note in row["annotations"]}
    assert len(definitions) > 40
    theirs = set().union(*map(runs_of_words, definitions))
    for text in our_texts():
        assert not runs_of_words(text) & theirs, text


@pytest.mark.real_data
def test_every_mode_of_the_real_human_labels_has_an_entry(real_data: Path) -> None:
    seen: dict[str, set[str]] = {}
    for row in human_labelled(real_data):
        table = mast().crosswalk(row["round"])
        assert table, row["round"]
        for note in row["annotations"]:
            entry = table.find(note["failure mode"])
            assert entry, note["failure mode"].split("\n")[0]
            seen.setdefault(table.origin, set()).add(entry.label)
    assert {origin: len(labels) for origin, labels in seen.items()} == {
        "mast-draft-18": 18,
        "mast-draft-17": 17,
        "mast-human-14": 14,
    }
    for origin, labels in seen.items():
        table = mast().crosswalk(origin)
        assert table
        assert {entry.label for entry in table.entries} == labels


@pytest.mark.real_data
def test_translated_majorities_are_the_published_ones(real_data: Path, facts: dict[str, Any]) -> None:
    """The reference counts, per mode, the rows in which two of three annotators said yes."""
    counts: Counter[str] = Counter()
    for row in human_labelled(real_data):
        table = mast().crosswalk(row["round"])
        assert table
        for note in row["annotations"]:
            entry = table.find(note["failure mode"])
            assert entry
            if sum(bool(note[f"annotator_{place}"]) for place in (1, 2, 3)) >= 2:
                counts.update(entry.to)
    assert dict(counts) == {m["slug"]: m["human19_majority"] for m in facts["modes"] if m["human19_majority"]}


def test_four_draft_modes_map_to_nothing_and_say_why() -> None:
    nothing = [entry for table in mast().crosswalks for entry in table.entries if not entry.to]
    assert {entry.name for entry in nothing} == NOTHING_HERE
    assert all(len(entry.reason.split()) > 5 for entry in nothing)


def test_each_table_of_fourteen_names_each_mode_once() -> None:
    slugs = sorted(mode.slug for mode in mast().modes)
    for origin in ("mast-human-14", "mast-definitions-txt", "mast-judge"):
        table = mast().crosswalk(origin)
        assert table
        assert sorted(slug for entry in table.entries for slug in entry.to) == slugs


@pytest.mark.parametrize(
    ("table", "missing", "weak"),
    [
        ("definitions.txt", "3.3 No or Incorrect Verification", "3.2 Weak Verification"),
        ("judge prompt", "3.2 No or Incorrect Verification", "3.3 Weak Verification"),
        ("agentdash", "3.2 No or Incorrect Verification", "3.3 Weak Verification"),
        ("Round 1", "4.2 Lack of result verification", "4.3 Lack of critical verification"),
        ("Round 2", "3.3 Lack of result verification", "3.2 Lack of critical verification"),
        ("Round 3", "3.3 Lack of result verification", "3.2 Lack of critical verification"),
        ("Generlazability", "3.2 No or Incomplete Verification", "3.3 Incorrect Verification"),
    ],
)
def test_the_swapped_codes_end_at_the_right_slug(table: str, missing: str, weak: str) -> None:
    crosswalk = mast().crosswalk(table)
    assert crosswalk
    found = [crosswalk.find(missing), crosswalk.find(weak)]
    assert [entry.to for entry in found if entry] == [("no-or-incomplete-verification",), ("incorrect-verification",)]
    mixed = f"{missing.split()[0]} {weak.split(' ', 1)[1]}"
    assert crosswalk.find(mixed) is None

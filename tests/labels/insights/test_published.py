"""The published figures that come with the program, against themselves and what was said of them."""

import json
from pathlib import Path

import pytest
from insight_desk import LOOP, MAST, Desk

from labels.insights import published


def test_modes_per_failed_run_are_rebuilt_from_the_shares_of_failed_runs():
    found = {chart.model: round(chart.per_failed + 1e-9, 1) for chart in published.charts()}
    assert found == {"gemini-3-flash": 2.6, "kimi-k2": 4.7, "gpt-oss-120b": 5.3}


def test_counts_cover_charted_runs_failed_and_successful():
    for chart in published.charts():
        for slug, count in chart.counts.items():
            rebuilt = chart.in_failed[slug] * chart.failed + chart.in_success[slug] * chart.success
            assert rebuilt == pytest.approx(count, abs=0.6), (chart.model, slug)  # shares are whole percents
    assert [(chart.failed, chart.success) for chart in published.charts()] == [(44, 14), (76, 14), (79, 10)]
    assert [chart.recall for chart in published.charts()] == [0.755, 0.286, 0.124]


def test_shares_of_failures_add_up():
    for column, shares in published.columns():
        assert set(shares) == set(MAST.by_slug), column.key
        assert all(0 <= share <= 1 for share in shares.values())
        if column.measure == "failures":
            # One of MAST's own percentages is rounded, and the model's labels were counted by mode.
            assert sum(shares.values()) == pytest.approx(1, abs=0.045), column.key
        assert column.source


def test_they_stand_beside_ours(desk: Desk):
    desk.judged(desk.run(), LOOP)
    profile = desk.profile()
    keys = {column.key for column in profile.published}
    assert {"mast-v1", "mast-v2", "mast-v3", "itbench-kimi-k2-failed"} <= keys
    row = profile.mode(LOOP)
    assert row is not None
    assert row.published["mast-v3"] == pytest.approx(0.157)
    assert row.published["itbench-kimi-k2-failed"] == 0.91
    assert set(row.published) == keys


@pytest.mark.real_data
def test_the_file_is_what_the_reference_says(real_data: Path):
    path = real_data.parent / "reference" / "mast14.json"
    if not path.is_file():
        pytest.skip("no reference beside the data")
    modes = {item["slug"]: item for item in json.loads(path.read_text())["modes"]}
    for version in (1, 2, 3):
        shares = next(shares for column, shares in published.columns() if column.key == f"mast-v{version}")
        assert {slug: round(share * 100, 2) for slug, share in shares.items()} == {
            slug: item[f"pct_v{version}"] for slug, item in modes.items()
        }
    for chart in published.charts():
        assert dict(chart.counts) == {slug: item["itbench_count"][chart.model] for slug, item in modes.items()}

"""A store with a run in it, an endpoint on the loopback interface, and a judge that asks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers import put
from judge_server import Endpoint, endpoint

from labels.codebook import Codebook, load_all
from labels.judge.client import Client
from labels.judge.config import JudgeConfig
from labels.judge.cost import Budget
from labels.judge.run import Judge
from sessions.catalog import RunInfo
from sessions.store import Store

#: No waiting in tests.
FAST = JudgeConfig(model="m", backoff_s=0.01, timeout_s=5.0, deadline_s=20.0, price_in=1.0, price_out=2.0)


@pytest.fixture
def server() -> Iterator[Endpoint]:
    with endpoint() as running:
        yield running


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "review.db") as opened:
        yield opened


@pytest.fixture
def mast() -> Codebook:
    return load_all().get("mast")


@pytest.fixture
def run(store: Store, tmp_path: Path) -> RunInfo:
    """Ten steps; step N says "step N of the work is done"."""
    return put(store, tmp_path / "run.jsonl", [f"step {number} of the work is done" for number in range(1, 11)])


@pytest.fixture
def judge(store: Store, server: Endpoint, mast: Codebook) -> Callable[..., Judge]:
    """Make a judge that asks the endpoint: `judge(votes=3)`. books: other codebooks than MAST."""

    def make(*, books: Any = None, cancelled: Any = None, **settings: Any) -> Judge:
        config = replace(FAST, **{"endpoint": server.url, **settings})
        stop = cancelled or (lambda: False)
        return Judge(store, books or [mast], config, Client(config, "the-key", stop), Budget(config), stop)

    return make

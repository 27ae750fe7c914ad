from collections.abc import Iterator
from pathlib import Path

import pytest
from coding_desk import CodingDesk

from sessions.store import Store


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[CodingDesk]:
    with Store.open(tmp_path / "review.db") as store:
        yield CodingDesk(store, tmp_path / "runs")

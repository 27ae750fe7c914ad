"""When Python collects garbage: between key presses, not in the middle of one.

Each paint leaves some 700 objects in cycles behind; with Python's default thresholds a collection now and then stops a
key for 20-60 ms (Textualize/textual#6381). Measured on the viewer this grew from, p99 key to paint, 300 keys:

    default 19-27 ms      freeze after the first frame 7-9 ms      freeze and collect when idle 5.6-8 ms

So: what start-up made is frozen, automatic collection is off, and a collection runs when the keys have been quiet for
a moment, or after MOST_PAINTS frames at the latest (a small one, inside a frame).
"""

from __future__ import annotations

import gc
import time

IDLE_S = 0.15
MOST_PAINTS = 50


class Collector:
    """Call `start` after the first frame, `painted` after each later one, and `tick` now and then."""

    def __init__(self) -> None:
        self._paints = 0
        self._last = 0.0
        self._started = False

    def start(self) -> None:
        gc.collect()
        gc.freeze()
        gc.disable()
        self._started = True

    def painted(self) -> None:
        if not self._started:
            return
        self._paints += 1
        self._last = time.monotonic()
        if self._paints >= MOST_PAINTS:
            self._collect(1)

    def tick(self) -> None:
        """Collect if there is something to and nobody is typing."""
        if self._started and self._paints and time.monotonic() - self._last > IDLE_S:
            self._collect(2)

    def _collect(self, generation: int) -> None:
        self._paints = 0
        gc.collect(generation)

    def stop(self) -> None:
        if self._started:
            gc.unfreeze()
            gc.enable()
            self._started = False

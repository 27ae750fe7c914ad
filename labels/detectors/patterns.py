"""Regular expressions that are compiled when they are first used, so that loading a detector costs next to nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any


class Pattern:
    """A regular expression, with those methods of `re.Pattern` that detectors need."""

    def __init__(self, source: str, flags: int = 0) -> None:
        self._source, self._flags = source, flags

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        return re.compile(self._source, self._flags)

    def search(self, text: str) -> re.Match[str] | None:
        return self.compiled.search(text)

    def search_from(self, text: str, start: int) -> re.Match[str] | None:
        return self.compiled.search(text, start)

    def match(self, text: str) -> re.Match[str] | None:
        return self.compiled.match(text)

    def sub(self, new: str, text: str) -> str:
        return self.compiled.sub(new, text)

    def split(self, text: str, most: int = 0) -> list[Any]:
        return self.compiled.split(text, most)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        return self.compiled.finditer(text)

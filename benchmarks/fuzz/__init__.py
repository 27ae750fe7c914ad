"""Damaged and hostile files for every reader, and what must hold for whatever they give.

    python -m benchmarks.fuzz --seconds 60 READER...

`damage` makes the files out of `benchmarks.samples`, `holds` says what must be true, `__main__` runs them: guided by
coverage where atheris is installed, else at random. The tests use the first two (tests/sessions/readers/test_fuzz.py).
"""

"""One file for each shape that a release can be exported in."""

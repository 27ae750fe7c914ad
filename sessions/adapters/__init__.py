"""Gates in other people's agent frameworks: one file for each, which imports its framework; nothing imports them.

docs/adapters.md shows each in ten lines, and what it can and cannot do. `base` is what they share.
"""

"""Screens: each composes widgets, hears their messages and asks `labels` and `sessions` for the work."""

"""Policies: rules, written by people, that hold gates, decide some of them, and name what must not be touched."""

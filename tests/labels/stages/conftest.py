"""The fixtures of gates, with a policy and stages for each test."""

from gating import db, gates, own_places, policy, stages, store, workspace

__all__ = ["db", "gates", "own_places", "policy", "stages", "store", "workspace"]

"""Stages: what a run goes through in order, what each must show before it may be left, and who may approve there."""

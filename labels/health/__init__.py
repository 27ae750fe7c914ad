"""How a reviewer reviews: pace, what was read, how suggestions are taken, drift, and the same answer twice.

Meant for the reviewers themselves first. Every figure comes with how many cases it rests on and a 95 % interval, and
says so where these are too few.
"""

from labels.health.report import Health, health, reviewers

__all__ = ["Health", "health", "reviewers"]

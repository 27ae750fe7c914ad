"""Measures the budgets of the design through a real terminal: `python -m benchmarks`."""

"""How well detectors do: truth, metrics, acceptance, calibration, and the learned step ranker.

Nothing here is imported on the way to the screen; numpy and scikit-learn are imported where they are used. What lists
and panels show of it they read through `labels.figures` and `labels.scoring.calibration`, which need neither.
"""

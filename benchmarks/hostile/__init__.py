"""Hostile files and hostile clients against a real service; `python -m benchmarks.hostile`."""

"""Benchmarks: figures, not tests. Each writes JSON into `results/`."""

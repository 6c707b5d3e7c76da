"""FLOOR 1: pixels to vectors and hashes."""

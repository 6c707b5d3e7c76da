"""Faults made on purpose, counted in full. The tests run the same at a twentieth of the size."""

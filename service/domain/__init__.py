"""FLOOR 0: values and rules. Standard library and numpy alone; no I/O, no clock, no randomness of its own."""

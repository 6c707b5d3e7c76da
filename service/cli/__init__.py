"""FLOOR 3: one command per file."""

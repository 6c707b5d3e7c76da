"""FLOOR 2: one file per thing a user does."""

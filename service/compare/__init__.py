"""FLOOR 1: two pictures to evidence."""

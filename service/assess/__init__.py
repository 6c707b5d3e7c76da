"""FLOOR 1: one picture to quality and authenticity."""

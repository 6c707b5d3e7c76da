"""Folders of the user's own: files set aside and brought back."""

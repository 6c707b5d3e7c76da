"""Alembic's folder: one file in `versions/` for each change of shape, never edited once released."""

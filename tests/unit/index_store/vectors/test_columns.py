"""Columns find their rows by id and by content."""

from index_store.testing import a_hash
from index_store.vectors.columns import Columns


def test_rows_are_found_by_content(columns):
    """A content may have several vectors, and some are not here."""
    made = columns(50)
    made.contents[[7, 30]] = made.contents[20]
    made.contents[9] = 0
    made = Columns.of(made.vector_ids, made.contents, made.sequences, made.values)
    names = [made.contents[20].tobytes().hex(), a_hash("nobody"), "00" * 32]
    assert made.rows_of(names).tolist() == [7, 20, 30, 9]
    assert made.rows_of([]).tolist() == []

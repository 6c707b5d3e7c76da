"""The command line on PostgreSQL: nothing but the URL is another."""

import pytest

pytest.importorskip("psycopg")


@pytest.fixture(autouse=True)
def on_postgres(postgres_url, monkeypatch):
    monkeypatch.setenv("KEEPONE_CATALOGUE_URL", postgres_url)


def test_pictures_are_taken_in_and_keys_are_made(keepone, pictures, folder):
    """And nothing of the catalogue lies in the data folder."""
    keepone("ingest", pictures)
    assert keepone("keys", "create", "phone", "--scope", "write").code == 0
    assert "phone" in keepone("keys", "list").out
    assert not list((folder / "data").glob("catalogue*"))
    ran = keepone("doctor")
    assert ran.code == 0
    assert "catalogue: PostgreSQL" in ran.out
    assert "store: 3 images" in ran.out


def test_a_server_that_is_not_there_is_told_without_the_password(keepone, monkeypatch):
    """One line and exit code 3."""
    monkeypatch.setenv("KEEPONE_CATALOGUE_URL", "postgresql://keepone:sesame@127.0.0.1:1/keepone")
    ran = keepone("doctor")
    assert ran.code == 3
    assert "the catalogue cannot be used" in ran.err
    assert "sesame" not in ran.out + ran.err

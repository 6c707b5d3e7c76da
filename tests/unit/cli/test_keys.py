"""`keepone keys`: a key is seen once, and only its digest is kept."""

import sqlite3

import pytest


@pytest.fixture
def made(keepone):
    """A key's text and its id."""
    text = keepone("keys", "create", "laptop").out.strip()
    return text, text.split(".")[0]


def test_the_secret_is_nowhere_in_the_catalogue(made, folder):
    """Neither in its rows nor in the bytes of its file."""
    text, key_id = made
    secret = text.split(".")[1]
    connection = sqlite3.connect(folder / "data" / "catalogue.sqlite")
    rows = connection.execute("SELECT * FROM api_key").fetchall()
    connection.close()
    assert len(rows) == 1
    assert key_id in rows[0]
    assert secret not in repr(rows)
    files = [path.read_bytes() for path in (folder / "data").rglob("*") if path.is_file()]
    assert files
    assert not any(secret.encode() in content for content in files)


def test_the_key_alone_goes_to_standard_output(keepone):
    """So that a script can take it from there."""
    ran = keepone("keys", "create", "laptop", "--scope", "admin")
    assert ran.code == 0
    assert len(ran.out.split()) == 1
    assert "(admin) is shown this once" in ran.err
    assert ran.out.strip().split(".")[1] not in ran.err


def test_keys_are_listed_without_their_secrets(keepone, made):
    """Id, scope, state and name."""
    text, key_id = made
    ran = keepone("keys", "list")
    assert key_id in ran.out
    assert "write" in ran.out
    assert "active  laptop" in ran.out
    assert text.split(".")[1] not in ran.out


def test_a_revoked_key_is_shown_as_such(keepone, made):
    """It stays in the list, with the time."""
    _, key_id = made
    assert keepone("keys", "revoke", key_id).out == f"{key_id} is revoked.\n"
    listed = keepone("keys", "list").out
    assert "revoked 2" in listed
    assert "active" not in listed


def test_an_unknown_key_cannot_be_revoked(keepone):
    """Silence would let a stolen key live on a typing error."""
    ran = keepone("keys", "revoke", "key_nobody")
    assert (ran.code, ran.out) == (3, "")
    assert "key_nobody" in ran.err


def test_if_none_makes_the_first_key_and_no_second(keepone):
    """A container may ask at every start."""
    first, second = (keepone("keys", "create", "admin", "--if-none") for _ in range(2))
    assert "." in first.out
    assert (second.code, second.out) == (0, "")
    assert "already" in second.err


def test_an_unknown_scope_is_a_usage_error(keepone):
    """Exit code 2, and nothing made."""
    assert keepone("keys", "create", "x", "--scope", "root").code == 2
    assert keepone("keys", "list").out == ""

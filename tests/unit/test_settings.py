"""Where each setting comes from, and what is said of a bad one."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from service.domain.errors import SettingsError
from service.domain.values import OperatingPoint
from service.settings import Settings, load_settings, settings_with_sources


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty working folder, so that no `.env` of the developer's is read."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def sources():
    def run(**flags):
        return {name: (value, source) for name, value, source in settings_with_sources(**flags)}

    return run


def test_without_anything_the_defaults_hold(sources):
    """Loopback, SQLite in the data folder, balanced."""
    settings = load_settings()
    assert settings.on_loopback
    assert settings.operating_point is OperatingPoint.BALANCED
    assert {source for _, source in sources().values()} == {"default"}


def test_a_flag_outranks_the_environment_it_the_env_file_and_that_the_default(folder, sources, monkeypatch):
    """Each layer is peeled off in turn."""
    assert sources()["KEEPONE_PORT"] == ("8000", "default")
    (folder / ".env").write_text("KEEPONE_PORT=1111\n", encoding="utf-8")
    assert sources()["KEEPONE_PORT"] == ("1111", ".env")
    monkeypatch.setenv("KEEPONE_PORT", "2222")
    assert sources()["KEEPONE_PORT"] == ("2222", "environment")
    assert sources(port=3333)["KEEPONE_PORT"] == ("3333", "flag")


def test_a_flag_that_was_not_given_does_not_count(sources, monkeypatch):
    """Click hands in None for those."""
    monkeypatch.setenv("KEEPONE_HOST", "::1")
    assert sources(host=None)["KEEPONE_HOST"] == ("::1", "environment")


def test_every_setting_is_listed_once_under_its_environment_name():
    """In the order they are declared."""
    assert [name for name, _, _ in settings_with_sources()] == [
        f"KEEPONE_{name.upper()}" for name in Settings.model_fields
    ]


def test_every_field_has_a_description():
    """What the reference page and people go by."""
    assert [name for name, field in Settings.model_fields.items() if not (field.description or "").endswith(".")] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "70000"),
        ("port", "eighty"),
        ("workers", "0"),
        ("operating_point", "lax"),
        ("descriptors", "clip:x"),
        ("descriptors", "builtin,clip"),
        ("descriptors", "builtin,other:x"),
        ("descriptors", "builtin,deepface:Dlib,deepface:Dlib"),
        ("descriptors", "builtin,clip:" + 100 * "x"),
        ("candidates", "201"),
        ("queue_seconds", "-1"),
        ("log_level", "loud"),
    ],
)
def test_a_bad_value_is_named_by_its_variable(monkeypatch, name, value):
    """Whoever set it can find it."""
    monkeypatch.setenv(f"KEEPONE_{name.upper()}", value)
    with pytest.raises(SettingsError, match=f"^KEEPONE_{name.upper()}: "):
        load_settings()


def test_every_bad_value_is_named_at_once(monkeypatch):
    """Not one a start."""
    monkeypatch.setenv("KEEPONE_PORT", "x")
    monkeypatch.setenv("KEEPONE_WORKERS", "-3")
    with pytest.raises(SettingsError, match=r"KEEPONE_PORT: .*; KEEPONE_WORKERS: "):
        load_settings()


def test_a_bad_value_itself_is_not_repeated(monkeypatch):
    """It might be a password put in the wrong place."""
    monkeypatch.setenv("KEEPONE_PORT", "hunter2")
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert "hunter2" not in str(refused.value)


def test_other_variables_and_lines_are_left_alone(folder, monkeypatch):
    """An `.env` file is shared with other programs."""
    (folder / ".env").write_text("OTHER=1\nKEEPONE_NOT_A_SETTING=1\n", encoding="utf-8")
    monkeypatch.setenv("KEEPONE_NEITHER", "1")
    assert load_settings().port == 8000


def test_settings_cannot_be_changed_afterwards():
    """Every part was built from them."""
    with pytest.raises(ValueError, match="frozen"):
        load_settings().port = 1


def test_the_data_folder_is_the_users_own(folder, monkeypatch):
    """By the XDG Base Directory Specification."""
    monkeypatch.setenv("XDG_DATA_HOME", str(folder / "share"))
    assert load_settings().data == folder / "share" / "keepone"


@pytest.mark.parametrize("data", ["/srv/keepone", "/srv/with space", "/srv/odd#1%41?", "relative/data"])
def test_blobs_lie_in_the_data_folder_whatever_it_is_called(folder, data):
    """A relative folder, or one with signs that mean something in a URL, must not send the files elsewhere."""
    url = urlsplit(load_settings(data=Path(data)).effective_blobs_url)
    assert (url.scheme, url.netloc, url.query, url.fragment) == ("file", "", "", "")
    assert Path(unquote(url.path)) == folder / data / "blobs"


def test_the_catalogue_lies_in_the_data_folder(folder):
    """A URL of its own outranks that."""
    for data in (folder, folder / "with space", folder / "odd#1%41?", folder / "a%20b"):
        url = load_settings(data=data).effective_catalogue_url
        assert url.startswith("sqlite:///")
        assert Path(unquote(url.removeprefix("sqlite:///"))) == data / "catalogue.sqlite"
        assert not set("?# ") & set(url)
    assert load_settings(catalogue_url="sqlite:////x/y.db").effective_catalogue_url == "sqlite:////x/y.db"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_loopback_is_known_by_name(host):
    """What needs no key."""
    assert load_settings(host=host).on_loopback


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.1.5", "example.org"])  # noqa: S104 - the point here
def test_any_other_host_is_open_to_strangers(host):
    """An empty one listens everywhere."""
    assert not load_settings(host=host).on_loopback


@pytest.mark.parametrize("given", ["/srv/a:/srv/b c", '["/srv/a", "/srv/b c"]', "/srv/a::/srv/b c:"])
def test_import_roots_are_a_list_as_in_path_or_json(given):
    """JSON for folders with a colon in their name."""
    assert load_settings(import_roots=given).import_folders == (Path("/srv/a"), Path("/srv/b c"))
    assert load_settings().import_folders == ()


@pytest.mark.parametrize("given", ["photos", "/srv/a:b", '["/srv"', "[1]"])
def test_import_roots_that_make_no_sense_are_refused(monkeypatch, given):
    """A relative one would depend on where the service was started."""
    monkeypatch.setenv("KEEPONE_IMPORT_ROOTS", given)
    with pytest.raises(SettingsError, match="KEEPONE_IMPORT_ROOTS: "):
        load_settings()


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("postgresql://keepone:secret@host:5432/db", "postgresql://keepone:***@host:5432/db"),
        ("postgresql://keepone:se/cr@et@host/db", "postgresql://keepone:***@host/db"),
        ("postgresql://:secret@host/db", "postgresql://:***@host/db"),
        ("postgresql://host/db?user=keepone&password=secret&sslmode=require", None),
        ("postgresql://keepone@host/db", "postgresql://keepone@host/db"),
        ("postgresql:///db?host=/run/postgresql", "postgresql:///db?host=/run/postgresql"),
        ("sqlite:////srv/a:b@c/catalogue.sqlite", "sqlite:////srv/a:b@c/catalogue.sqlite"),
        ("", ""),
    ],
)
def test_a_password_in_a_url_is_never_shown(sources, monkeypatch, given, shown):
    """`keepone doctor` is what people paste into bug reports."""
    monkeypatch.setenv("KEEPONE_CATALOGUE_URL", given)
    value, _ = sources()["KEEPONE_CATALOGUE_URL"]
    assert value == (shown if shown is not None else given.replace("secret", "***"))
    assert load_settings().effective_catalogue_url == given or not given
    assert "secret" not in repr(load_settings())


def test_descriptor_models_beside_the_built_in_one_are_listed_in_order():
    """Spaces around the commas do not count."""
    settings = Settings(_env_file=None, descriptors="clip:ViT-B-32/some_tag, builtin,deepface:Dlib,")
    assert settings.further_spaces == ("clip:ViT-B-32/some_tag", "deepface:Dlib")
    assert Settings(_env_file=None).further_spaces == ()

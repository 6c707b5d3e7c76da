"""The composition root refuses what cannot work before it opens anything."""

import pytest

from service import wiring
from service.domain.errors import SettingsError
from service.settings import Settings


@pytest.mark.parametrize("root", ["", "store", "store/data/inner"])
def test_the_data_folder_and_an_import_root_lie_apart(tmp_path, root):
    """A client that names paths would read the catalogue, or hand in the store's own files."""
    data = tmp_path / "store" / "data"
    with pytest.raises(SettingsError):
        wiring.build(Settings(_env_file=None, data=data, import_roots=str(tmp_path / root)))
    assert not (data / "catalogue.sqlite").exists()

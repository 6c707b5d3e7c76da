"""The composition root refuses what cannot work before it opens anything."""

import pytest

from service import wiring
from service.domain.errors import SettingsError, WeightsError
from service.domain.file_facts import Holds
from service.settings import Settings

BEGIN, END = (f"-----{each} CERTIFICATE-----\n" for each in ("BEGIN", "END"))


@pytest.mark.parametrize(
    "text",
    [None, "no certificate", "caf\u00e9", BEGIN, f"{BEGIN}no base64!\n{END}", f"{BEGIN}bm8gY2VydGlmaWNhdGU=\n{END}"],
)
def test_a_list_of_trusted_signers_that_is_none_stops_the_start(tmp_path, text):
    """Else every manifest would look as if nobody vouched for its signer."""
    trust = tmp_path / "trust.pem"
    if text is not None:
        trust.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match="KEEPONE_TRUSTED_SIGNERS"):
        wiring.decoders(Settings(_env_file=None, data=tmp_path, trusted_signers=str(trust)), at_once=False)


def test_one_certificate_that_is_broken_stops_the_start_among_good_ones(tmp_path, c2pa_signer):
    """Else whoever it stands for would look like a stranger."""
    trust = tmp_path / "trust.pem"
    trust.write_bytes(c2pa_signer.root + f"{BEGIN}bm8gY2VydGlmaWNhdGU=\n{END}".encode() + c2pa_signer.root)
    with pytest.raises(SettingsError, match="certificate 2 "):
        wiring.decoders(Settings(_env_file=None, data=tmp_path, trusted_signers=str(trust)), at_once=False)


def test_signers_that_the_settings_trust_are_trusted(tmp_path, c2pa_signer, written, coffee):
    """From the file that is named to the verdict on a manifest."""
    trust = tmp_path / "trust.pem"
    trust.write_bytes(c2pa_signer.root)
    data = c2pa_signer.sign(written(coffee), actions=[("created", "digitalCapture")])
    with wiring.decoders(Settings(_env_file=None, data=tmp_path, trusted_signers=str(trust)), at_once=False) as pool:
        assert pool.verify_manifest(data, "JPEG", wait_s=60).holds is Holds.TRUSTED


@pytest.mark.parametrize("root", ["", "store", "store/data/inner"])
def test_the_data_folder_and_an_import_root_lie_apart(tmp_path, root):
    """A client that names paths would read the catalogue, or hand in the store's own files."""
    data = tmp_path / "store" / "data"
    with pytest.raises(SettingsError):
        wiring.build(Settings(_env_file=None, data=data, import_roots=str(tmp_path / root)))
    assert not (data / "catalogue.sqlite").exists()


def test_missing_weights_of_faces_stop_the_start_before_anything_is_open(tmp_path):
    """Models and decoders would be left open."""
    with pytest.raises(WeightsError):
        wiring.build(Settings(_env_file=None, data=tmp_path / "data", faces=str(tmp_path / "none.onnx")))
    assert not (tmp_path / "data" / "catalogue.sqlite").exists()


@pytest.mark.usefixtures("twins")
@pytest.mark.parametrize(("descriptors", "sparing"), [("builtin", 0), ("builtin,clip:colours", 1)])
def test_memory_is_taken_sparingly_where_further_models_are_set(tmp_path, monkeypatch, descriptors, sparing):
    """Without them the allocator stays as it is."""
    told = []
    monkeypatch.setattr(wiring, "keep_little", lambda: told.append(1))
    settings = Settings(_env_file=None, data=tmp_path, descriptors=descriptors, index_url="exact://")
    wiring.build(settings, decoders_at_once=False).close()
    assert len(told) == sparing

"""`keepone doctor`: is this machine fit, and where does each setting come from?"""

from service.cli import doctor
from service.settings import Settings


def test_a_sound_machine_passes_and_every_setting_is_printed(keepone):
    """With its source."""
    ran = keepone("doctor", "--data", "elsewhere")
    assert ran.code == 0
    assert "FAIL" not in ran.out
    assert "a picture was judged in" in ran.out
    for name in Settings.model_fields:
        assert f"KEEPONE_{name.upper()} " in ran.out
    lines = {line.split()[0]: line for line in ran.out.splitlines() if line.startswith("KEEPONE_")}
    assert lines["KEEPONE_DATA"].endswith("elsewhere  (flag)")
    assert lines["KEEPONE_DECODE_CHILDREN"].endswith("1  (environment)")
    assert lines["KEEPONE_PORT"].endswith("8000  (default)")


def test_a_full_disk_fails(keepone, monkeypatch):
    """Exit code 3, and the line says which check."""
    monkeypatch.setattr(doctor, "LEAST_ROOM", 2**80)
    ran = keepone("doctor")
    assert ran.code == 3
    assert "FAIL  room: " in ran.out


def test_it_leaves_no_picture_behind(keepone):
    """It only asks."""
    keepone("doctor")
    assert "store: 0 images" in keepone("doctor").out

"""What a picture is looked at for, from its bytes on."""

import pytest

from service.domain.file_facts import Holds, Manifest
from service.workflows.stopwatch import Stopwatch
from service.workflows.study import looked_at


@pytest.fixture
def signals(pool):
    def run(data):
        assessed, _, _ = looked_at(data, pool, Stopwatch(), wait_s=60)
        return assessed.authenticity.generated, assessed.authenticity.signals

    return run


def test_a_signed_generated_picture_is_told_with_what_its_signature_is_worth(signals, c2pa_signer, written, coffee):
    """From the bytes of a file to the signals of its assessment, and so for one that was changed since."""
    data = c2pa_signer.sign(written(coffee), actions=[("created", "trainedAlgorithmicMedia"), "edited"])
    generated, said = signals(data)
    assert generated == 1.0
    assert said[0].endswith(
        "signed by Signer of this test Keepone that holds, and whose signer nobody here vouches for"
    )
    assert said[1] == "its C2PA manifest tells of edits: edited (signed, by nobody who is trusted here)"
    generated, said = signals(data[:-200] + bytes([data[-200] ^ 1]) + data[-199:])
    assert generated == 1.0
    assert said[0].endswith("that does not hold: the file was changed after it was signed")


def test_whoever_waits_for_a_verifier_holds_no_part_of_the_budget(pool, c2pa_signer, written, coffee, monkeypatch):
    """Else two that hold a picture and wait for more without an end would wait for each other."""
    held = []

    def verify(*_, **__):
        held.append(pool.stats().budget_bytes_in_use)
        return Manifest(Holds.VALID)

    monkeypatch.setattr(pool, "verify_manifest", verify)
    assessed, _, _ = looked_at(
        c2pa_signer.sign(written(coffee), actions=[("created", "digitalCapture")]), pool, Stopwatch(), wait_s=None
    )
    assert held == [0]
    assert "carries a C2PA manifest that holds" in assessed.authenticity.signals[0]


def test_a_picture_without_a_manifest_says_nothing_of_one(signals, written, coffee):
    """And costs no process."""
    assert signals(written(coffee)) == (None, ())

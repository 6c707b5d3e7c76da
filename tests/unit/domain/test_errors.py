"""The family's messages."""

from service.domain.errors import BadPictureError, DecoderFailedError, KeeponeError, OverloadedError


def test_an_error_without_a_reason_says_what_its_class_means():
    """The docstring is the default message."""
    assert str(OverloadedError()) == "The service is busy; try again shortly."


def test_a_reason_replaces_the_default():
    """What happened this time is worth more than what happens in general."""
    assert str(OverloadedError("No decoder came free.")) == "No decoder came free."


def test_a_failed_decoder_is_a_bad_picture_and_all_are_one_family():
    """The edges catch by family."""
    assert issubclass(DecoderFailedError, BadPictureError)
    assert issubclass(BadPictureError, KeeponeError)

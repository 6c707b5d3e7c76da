"""Whether a face is a living one before the camera, or a print, a screen or a mask: MiniFASNet, through DeepFace.

Two small networks (Minivision, Silent-Face-Anti-Spoofing, Apache-2.0) look at the face with 2.7 and with 4 times its
box around it, squeezed to 80x80 pixels; each tells three classes, of which the second is *living*. The risk is one minus
the mean of what both give it. DeepFace has the networks and the crop; the weights are read here, so that they are the
known ones, hold numbers alone, and are never fetched.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from service.domain.errors import SettingsError, WeightsError
from service.domain.faces import pixels_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from service.domain.values import Region

FIRST: Final = ("2.7_80x80_MiniFASNetV2.pth", "a5eb02e1843f19b5386b953cc4c9f011c3f985d0ee2bb9819eea9a142099bec0")
SECOND: Final = ("4_0_0_80x80_MiniFASNetV1SE.pth", "84ee1d37d96894d5e82de5a57df044ef80a58be2b218b5ed7cdfd875ec2f5990")
SOURCE: Final = "github.com/minivision-ai/Silent-Face-Anti-Spoofing (resources/anti_spoof_models)"
SIDE: Final = 80
SURROUNDINGS: Final = (2.7, 4.0)
"""Times the face's box that each network sees."""
LIVING: Final = 1
"""Which of the three classes."""


class Liveness(Protocol):
    """Whatever judges a face, opened. Several threads may ask it at once."""

    def risk(self, picture: NDArray[np.uint8], box: Region) -> float | None:
        """0..1 of the face in `box` of an upright RGB picture (H, W, 3); None where nothing of the box lies in it."""


class MiniFasNet:
    """Both networks, opened."""

    def __init__(self, first: bytes, second: bytes) -> None:
        """Of the two files. Raises WeightsError where they do not fit, SettingsError without the extra."""
        try:
            import torch  # noqa: PLC0415 - only where it is asked for
            from deepface.models.spoofing.FasNetUtils import crop  # noqa: PLC0415
            from deepface.models.spoofing.pytorch import FasNetBackbone  # noqa: PLC0415
        except ImportError as error:
            raise SettingsError("KEEPONE_PRESENTATION_ATTACK needs the extra: pip install 'keepone[faces]'.") from error
        self._torch, self._crop = torch, crop
        makers = (FasNetBackbone.MiniFASNetV2, FasNetBackbone.MiniFASNetV1SE)
        self._networks = [
            opened(torch, make(conv6_kernel=(5, 5)), data, name)
            for make, data, (name, _) in zip(makers, (first, second), (FIRST, SECOND), strict=True)
        ]

    def risk(self, picture: NDArray[np.uint8], box: Region) -> float | None:
        """See `Liveness`."""
        height, width = picture.shape[:2]
        pixels = pixels_of(box, width, height)
        if pixels is None:
            return None
        left, top, right, bottom = pixels
        blue_first, place = picture[..., ::-1], (left, top, right - left, bottom - top)
        living = [
            self._living(network, self._crop(blue_first, place, times, SIDE, SIDE))
            for network, times in zip(self._networks, SURROUNDINGS, strict=True)
        ]
        return min(1.0, max(0.0, 1 - sum(living) / len(living)))

    def _living(self, network: Any, seen: NDArray[np.uint8]) -> float:
        levels = self._torch.from_numpy(np.ascontiguousarray(seen.transpose(2, 0, 1))).float()[None]
        with self._torch.inference_mode():
            return float(self._torch.softmax(network(levels), 1)[0, LIVING])


def opened(torch: Any, network: Any, data: bytes, name: str) -> Any:
    """The network with these weights, ready to be asked. Raises WeightsError where they hold anything but its numbers."""
    try:
        weights = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        network.load_state_dict({key.removeprefix("module."): each for key, each in weights.items()})
    except Exception as error:
        raise WeightsError(f"{name} does not hold the weights of its network, and nothing else.") from error
    return network.eval()

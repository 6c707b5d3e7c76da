"""Weights to the file that ships: `python -m training.descriptor.export --weights FILE --side 128 --to FILE.onnx` (needs
KEEPONE_SHARED).

Levels, channels and normalisation go inside, batch normalisation into the convolutions, and the convolutions work on
8-bit numbers whose ranges are learned from training pictures: a quarter of the bytes, and 1.8 ms instead of 4.4 on one
core, while of 2,700 queries as many find their picture among the first 20 as before. Weights have seven bits: with
eight, processors without instructions for it (VNNI) would overflow, and one picture would have two descriptors.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import torch
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process
from PIL import Image
from torch import Tensor, nn

from service.descriptors.builtin import squared
from training.descriptor import pictures
from training.descriptor.model import Descriptor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

OPSET = 17
EVERY = 25
"""Of the pictures that may be trained on, one of so many says what ranges there are."""
BATCH = 8
LEAST_ALIKE = 0.99
"""Cosine of what the file and the network make of a picture."""


class Shipped(nn.Module):
    """(n, side, side, 3) uint8 to (n, dimension)."""

    def __init__(self, network: Descriptor) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> Tensor:
        rows: Tensor = self.network(pictures.permute(0, 3, 1, 2).float() / 255)
        return rows


class Examples(CalibrationDataReader):
    """What the network is shown while ranges are taken."""

    def __init__(self, squares: NDArray[np.uint8]) -> None:
        self._batches: Iterator[NDArray[np.uint8]] = (squares[at : at + BATCH] for at in range(0, len(squares), BATCH))

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        batch = next(self._batches, None)
        return None if batch is None else {"pictures": batch}


def exported(network: Descriptor, squares: NDArray[np.uint8], path: Path) -> None:
    """Write the network for squares of the size of these (n, side, side, 3), with the ranges that they have."""
    with tempfile.TemporaryDirectory() as folder:
        plain, prepared = Path(folder) / "plain.onnx", Path(folder) / "prepared.onnx"
        torch.onnx.export(
            Shipped(network).eval(),
            (torch.from_numpy(squares[:2]),),
            str(plain),
            input_names=["pictures"],
            output_names=["rows"],
            dynamic_axes={"pictures": {0: "n"}, "rows": {0: "n"}},
            opset_version=OPSET,
            dynamo=False,
        )
        quant_pre_process(plain, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            path,
            Examples(squares),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )


def squares_of(shared: Path, side: int) -> NDArray[np.uint8]:
    """(n, side, side, 3): some of the pictures that may be trained on, as the service shows them to the network."""
    chosen = [data for number, data in pictures.parted(shared, trained=True) if number % EVERY == 0]
    return np.stack([squared(np.asarray(Image.open(io.BytesIO(data)).convert("RGB")), side) for data in chosen])


@torch.no_grad()
def least_alike(network: Descriptor, squares: NDArray[np.uint8], path: Path) -> float:
    """The lowest cosine between the file's rows and the network's."""
    expected = Shipped(network).eval()(torch.from_numpy(squares)).numpy()
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (rows,) = session.run(None, {"pictures": squares})
    return float((rows * expected).sum(axis=1).min())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--side", type=int, required=True)
    parser.add_argument("--to", type=Path, required=True)
    asked = parser.parse_args()
    network = Descriptor()
    network.load_state_dict(torch.load(asked.weights, weights_only=True, map_location="cpu"))
    network.eval()
    squares = squares_of(Path(os.environ["KEEPONE_SHARED"]), asked.side)
    exported(network, squares, asked.to)
    alike = least_alike(network, squares, asked.to)
    if alike < LEAST_ALIKE:
        raise SystemExit(f"a picture's descriptor is only {alike:.4f} alike")
    digest = hashlib.sha256(asked.to.read_bytes()).hexdigest()
    print(f"{asked.to.stat().st_size} bytes, at least {alike:.4f} alike, sha256 {digest}")


if __name__ == "__main__":
    main()

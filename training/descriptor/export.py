"""Weights to the file that ships: `python -m training.descriptor.export --weights FILE --side 128 --to FILE.onnx`.

Levels, channels and normalisation go inside, batch normalisation into the convolutions, and the weights become 16-bit
numbers that ONNX Runtime widens when it opens the file: half the bytes at the same speed.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn

from training.descriptor.model import Descriptor

OPSET = 17
MOST_OFF = 2e-3
"""By how much the shipped file's numbers may differ from the network's."""


class Shipped(nn.Module):
    """(n, side, side, 3) uint8 to (n, dimension)."""

    def __init__(self, network: Descriptor) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> Tensor:
        rows: Tensor = self.network(pictures.permute(0, 3, 1, 2).float() / 255)
        return rows


def exported(network: Descriptor, side: int, path: Path) -> None:
    """Write the network for squares of `side` pixels."""
    example = torch.zeros(2, side, side, 3, dtype=torch.uint8)
    torch.onnx.export(
        Shipped(network).eval(),
        (example,),
        str(path),
        input_names=["pictures"],
        output_names=["rows"],
        dynamic_axes={"pictures": {0: "n"}, "rows": {0: "n"}},
        opset_version=OPSET,
        dynamo=False,
    )
    onnx.save(halved(onnx.load(path)), path)


def halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with its large weights kept in 16 bits, each with a cast behind it."""
    casts = []
    for weight in model.graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype == np.float32 and values.size > 64:
            name = weight.name
            weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
            casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    return model


@torch.no_grad()
def most_off(network: Descriptor, side: int, path: Path) -> float:
    """The largest difference between the file's numbers and the network's, on pictures of noise in several sizes."""
    torch.manual_seed(0)
    coarse = torch.rand(16, 3, 12, 12)
    pictures = torch.nn.functional.interpolate(coarse, side, mode="bilinear").mul(255).byte().permute(0, 2, 3, 1)
    expected = Shipped(network).eval()(pictures).numpy()
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (rows,) = session.run(None, {"pictures": pictures.numpy()})
    return float(np.abs(rows - expected).max())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--side", type=int, required=True)
    parser.add_argument("--to", type=Path, required=True)
    asked = parser.parse_args()
    network = Descriptor()
    network.load_state_dict(torch.load(asked.weights, weights_only=True, map_location="cpu"))
    network.eval()
    exported(network, asked.side, asked.to)
    off = most_off(network, asked.side, asked.to)
    if off > MOST_OFF:
        raise SystemExit(f"the file's numbers are off by {off:.4f}")
    print(
        f"{asked.to.stat().st_size} bytes, off by {off:.5f}, sha256 {hashlib.sha256(asked.to.read_bytes()).hexdigest()}"
    )


if __name__ == "__main__":
    main()

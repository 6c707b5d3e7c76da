"""MiniFASNet once more, straight from its weights: plain tensor operations in the order of the network's drawing.

It knows no module of DeepFace's and no layer class; the names of the weights alone say what there is.
"""

import cv2
import numpy as np
import torch
from torch.nn import functional

SQUEEZED = "se_module"


def living(weights_file, picture, box, surroundings):
    """What one network gives the class *living*, of an RGB picture and (left, top, width, height) in pixels."""
    weights = torch.load(weights_file, map_location="cpu", weights_only=True)
    network = Network({key.removeprefix("module."): each for key, each in weights.items()})
    seen = around(picture, box, surroundings)[..., ::-1]
    levels = torch.from_numpy(np.ascontiguousarray(seen.transpose(2, 0, 1))).float()[None]
    scores = network(levels)[0].numpy().astype(np.float64)
    powers = np.exp(scores - scores.max())
    return float(powers[1] / powers.sum())


def around(picture, box, times):
    """So many times the box about its middle, moved into the picture, at 80x80 pixels.

    By OpenCV as well: one grey level that is rounded otherwise moves a risk by up to 0.005.
    """
    height, width = picture.shape[:2]
    left, top, across, down = box
    times = min(times, (height - 1) / down, (width - 1) / across)
    starts, ends = [], []
    for start, length, whole in ((left, across, width), (top, down, height)):
        begin = start + length / 2 - length * times / 2
        begin = min(max(begin, 0.0), whole - 1 - length * times)
        starts.append(int(begin))
        ends.append(int(begin + length * times) + 1)
    return cv2.resize(picture[starts[1] : ends[1], starts[0] : ends[0]], (80, 80))


class Network:
    """The function that the weights are of."""

    def __init__(self, weights):
        self.weights = weights

    @torch.no_grad()
    def __call__(self, levels):
        out = self.activated("conv1", levels, stride=2, padding=1)
        out = self.activated("conv2_dw", out, padding=1)
        for wide, deep in (("conv_23", "conv_3"), ("conv_34", "conv_4"), ("conv_45", "conv_5")):
            out = self.bottleneck(wide, out, stride=2)
            number = 0
            while f"{deep}.model.{number}.conv.conv.weight" in self.weights:
                out = out + self.bottleneck(f"{deep}.model.{number}", out, stride=1)
                number += 1
        out = self.activated("conv_6_sep", out)
        out = self.convolved("conv_6_dw", out).flatten(1)
        out = out @ self.weights["linear.weight"].T
        return self.normalised("bn", out) @ self.weights["prob.weight"].T

    def bottleneck(self, name, out, stride):
        """Widen, look around each channel by itself, narrow; and where it has one, the gate of its channels."""
        out = self.activated(f"{name}.conv", out)
        out = self.activated(f"{name}.conv_dw", out, stride=stride, padding=1)
        out = self.convolved(f"{name}.project", out)
        return out * self.gate(f"{name}.{SQUEEZED}", out) if f"{name}.{SQUEEZED}.fc1.weight" in self.weights else out

    def gate(self, name, out):
        mean = out.mean((2, 3), keepdim=True)
        narrow = self.normalised(f"{name}.bn1", functional.conv2d(mean, self.weights[f"{name}.fc1.weight"])).clamp(
            min=0
        )
        wide = self.normalised(f"{name}.bn2", functional.conv2d(narrow, self.weights[f"{name}.fc2.weight"]))
        return 1 / (1 + torch.exp(-wide))

    def activated(self, name, out, **options):
        out = self.convolved(name, out, **options)
        slope = self.weights[f"{name}.prelu.weight"].reshape(1, -1, 1, 1)
        return torch.where(out > 0, out, slope * out)

    def convolved(self, name, out, **options):
        kernel = self.weights[f"{name}.conv.weight"]
        out = functional.conv2d(out, kernel, groups=out.shape[1] // kernel.shape[1], **options)
        return self.normalised(f"{name}.bn", out)

    def normalised(self, name, out):
        shape = (1, -1) + (1,) * (out.ndim - 2)
        mean, variance, scale, shift = (
            self.weights[f"{name}.{part}"].reshape(shape) for part in ("running_mean", "running_var", "weight", "bias")
        )
        return (out - mean) / torch.sqrt(variance + 1e-5) * scale + shift

"""The 48 directions of SIFT patches that are kept: `python -m training.keypoints` (needs KEEPONE_SHARED).

The principal directions of the square-rooted patches of every fourth picture that may be trained on. No seed: nothing
is drawn. Prints the SHA-256 that `service/descriptors/keypoints.py` pins.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import cv2
import numpy as np

from service.descriptors import keypoints
from service.domain.keypoints import CODE_LENGTH, MOST_KEPT
from training.descriptor import pictures

EVERY = 4
BASIS = Path(keypoints.__file__).with_name("keypoint_basis.f4")


def main() -> None:
    rooted = []
    detector = keypoints.detector(MOST_KEPT)
    for number, data in pictures.parted(Path(os.environ["KEEPONE_SHARED"]), trained=True):
        if number % EVERY:
            continue
        grey = np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE))
        scale = keypoints.SIDE / max(grey.shape)
        _, patches = detector.detectAndCompute(cv2.resize(grey, None, fx=scale, fy=scale), None)
        if patches is not None:
            rooted.append(keypoints.rooted(patches))
    rows = np.concatenate(rooted).astype(np.float64)
    mean = rows.mean(axis=0)
    _, directions = np.linalg.eigh(np.cov((rows - mean).T))
    kept_rows = directions[:, ::-1][:, :CODE_LENGTH].T
    # A direction and its opposite are equally good: let the largest number of each be positive.
    largest = np.take_along_axis(kept_rows, np.abs(kept_rows).argmax(axis=1, keepdims=True), axis=1)
    data = np.vstack([mean, kept_rows * np.sign(largest)]).astype("<f4").tobytes()
    BASIS.write_bytes(data)
    print(f"{len(rows)} patches; SHA-256 {hashlib.sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()

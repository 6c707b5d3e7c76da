"""How the probability behind a verdict was fitted: `python training/fit_verdict.py` (needs KEEPONE_SHARED).

Fits on `data/train` alone, since what it prints ships in `service/domain/verdict.py`. Each query is a training picture
after one edit; its candidates are its five nearest pictures in the descriptor space, as the service would draw them.
Half of the queries have their original among the references, half do not. A logistic model then learns
P(copy | evidence), and a second, disjoint half of the queries shows what the operating points cost. Everything is drawn
from one seed. 27 pairs that a person found to be copies, or could not tell from copies, are no examples at all.
"""

from __future__ import annotations

import io
import json
import os
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from service.compare.appearance import compare, look
from service.descriptors.hashes import frequencies, hamming
from service.domain.dihedral import POSES
from service.domain.verdict import FEATURES, FITTED, features, settled

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

SEED = 20261120
QUERIES = 6000
CANDIDATES = 5
TWIN_SIMILARITY = 0.97
TWIN_STRUCTURE = 0.85
UNLABELLED = Path(__file__).with_name("unlabelled_pairs.json")
Rng = np.random.Generator


def jpeg(picture: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def crop(picture: Image.Image, share: float, rng: Rng) -> Image.Image:
    width, height = (int(side * share**0.5) for side in picture.size)
    left, top = int(rng.integers(0, picture.width - width + 1)), int(rng.integers(0, picture.height - height + 1))
    return picture.crop((left, top, left + width, top + height))


def caption(picture: Image.Image, rng: Rng) -> Image.Image:
    out = picture.copy()
    draw = ImageDraw.Draw(out)
    depth = int(picture.height * rng.uniform(0.05, 0.2))
    top = 0 if rng.random() < 0.5 else picture.height - depth
    colour = tuple(int(c) for c in rng.integers(0, 256, 3))
    draw.rectangle((0, top, picture.width, top + depth), fill=colour)
    draw.text((4, top + 2), "a line of words", fill="white" if sum(colour) < 380 else "black")
    return out


def noisy(picture: Image.Image, rng: Rng) -> Image.Image:
    pixels = np.asarray(picture).astype(np.float32)
    return Image.fromarray(np.clip(pixels + rng.normal(0, rng.uniform(4, 25), pixels.shape), 0, 255).astype(np.uint8))


def scaled(picture: Image.Image, factor: float) -> Image.Image:
    return picture.resize((max(16, int(picture.width * factor)), max(16, int(picture.height * factor))))


EDITS: dict[str, Callable[[Image.Image, Rng], Image.Image]] = {
    "compressed": lambda p, r: jpeg(p, int(r.integers(10, 90))),
    "scaled": lambda p, r: jpeg(scaled(p, float(r.uniform(0.3, 1.5))), int(r.integers(30, 95))),
    "blurred": lambda p, r: p.filter(ImageFilter.GaussianBlur(float(r.uniform(0.5, 2.5)))),
    "sharpened": lambda p, _: p.filter(ImageFilter.SHARPEN),
    "brightness": lambda p, r: ImageEnhance.Brightness(p).enhance(float(r.uniform(0.6, 1.6))),
    "contrast": lambda p, r: ImageEnhance.Contrast(p).enhance(float(r.uniform(0.5, 1.8))),
    "saturation": lambda p, r: ImageEnhance.Color(p).enhance(float(r.uniform(0.2, 2.0))),
    "greyscale": lambda p, _: ImageOps.grayscale(p).convert("RGB"),
    "mirrored": lambda p, _: ImageOps.mirror(p),
    "turned": lambda p, r: p.rotate(90 * int(r.integers(1, 4)), expand=True),
    "cropped": lambda p, r: crop(p, float(r.uniform(0.85, 0.98)), r),
    "rotated": lambda p, r: p.rotate(float(r.uniform(-2, 2)), resample=Image.Resampling.BICUBIC),
    "captioned": caption,
    "noisy": noisy,
}
"""What a global descriptor can be asked to find; crops, pastes and screenshots need keypoints."""


def training_pictures() -> list[Image.Image]:
    folder = Path(os.environ["KEEPONE_SHARED"]) / "data" / "train"
    pictures = []
    for archive in ("caltech101.tar", "clothing.tar"):
        with tarfile.open(folder / archive) as tar:
            for member in tar:
                file = tar.extractfile(member)
                if file is not None:
                    pictures.append(Image.open(io.BytesIO(file.read())).convert("RGB"))
    return pictures


def pairs(pictures: list[Image.Image], rng: Rng) -> list[dict[str, Any]]:
    """One row per (query, candidate): which edit, whether it is the original, and the features."""
    pixels = [np.asarray(picture) for picture in pictures]
    spectra = [frequencies(p) for p in pixels]
    vectors = np.stack([s.vector() for s in spectra])
    hashes = [s.phash() for s in spectra]
    looks = [look(p) for p in pixels]
    twins = repeated(vectors, np.stack([s.posed_vectors() for s in spectra]), pixels)
    rows = []
    for number, index in enumerate(rng.permutation(len(pictures))[:QUERIES]):
        name = sorted(EDITS)[number // 2 % len(EDITS)]
        edited = np.asarray(EDITS[name](pictures[index], rng))
        spectrum = frequencies(edited)
        if spectrum.too_little_detail or spectra[index].too_little_detail:
            continue
        similarities = spectrum.posed_vectors() @ vectors.T
        if number % 2:  # every second query has no original among the references
            similarities[:, index] = -1
        similarities[:, [*twins.get(int(index), ())]] = -1
        best = similarities.max(axis=0)
        posed = spectrum.posed_phashes()
        for candidate in np.argsort(-best)[:CANDIDATES]:
            pose = int(similarities[:, candidate].argmax())
            appearance = compare(look(np.ascontiguousarray(POSES[pose].lay(edited))), looks[candidate])
            rows.append(
                {
                    "query": number,
                    "edit": name,
                    "pair": (int(index), int(candidate)),
                    "copy": bool(candidate == index),
                    "local_change": appearance.local_change,
                    "x": features(
                        phash_distance=hamming(posed[pose], hashes[candidate]),
                        similarity=float(best[candidate]),
                        appearance=(appearance.hash, appearance.structure, appearance.colour),
                    ),
                }
            )
    return rows


def repeated(
    vectors: NDArray[np.float32], posed: NDArray[np.float32], pixels: list[NDArray[np.uint8]]
) -> dict[int, set[int]]:
    """Pictures that the collection itself holds twice (Caltech-101 does, mirrored ones too): no label, so no example.

    Pairs that agree in every frequency and in structure, and pairs a person has looked at (`unlabelled_pairs.json`);
    other look-alikes stay in as the hardest non-matches.
    """
    twins: dict[int, set[int]] = {}
    for left, right in json.loads(UNLABELLED.read_text())["pairs"]:
        twins.setdefault(left, set()).add(right)
        twins.setdefault(right, set()).add(left)
    for index in range(len(vectors)):
        similarities = posed[index] @ vectors.T
        for other in np.flatnonzero(similarities.max(axis=0) > TWIN_SIMILARITY):
            pose = POSES[int(similarities[:, other].argmax())]
            laid = look(np.ascontiguousarray(pose.lay(pixels[index])))
            if other != index and compare(laid, look(pixels[other])).structure > TWIN_STRUCTURE:
                twins.setdefault(index, set()).add(int(other))
    print(f"{len(twins)} training pictures are there more than once", file=sys.stderr)
    return twins


def fit(x: NDArray[np.float64], y: NDArray[np.float64], ridge: float = 1.0) -> NDArray[np.float64]:
    """Logistic regression by Newton's method with a small ridge (not on the intercept); returns (intercept, weights)."""
    design = np.hstack([np.ones((len(x), 1)), x])
    penalty = np.diag([0.0] + [ridge] * x.shape[1])
    weights = np.zeros(design.shape[1])
    for _ in range(100):
        p = 1 / (1 + np.exp(-design @ weights))
        hessian = (design * (p * (1 - p))[:, None]).T @ design + penalty
        step = np.linalg.solve(hessian, design.T @ (y - p) - penalty @ weights)
        weights += step
        if np.abs(step).max() < 1e-9:
            break
    return weights


def main() -> None:
    rng = np.random.default_rng(SEED)
    pictures = training_pictures()
    rows = pairs(pictures, rng)
    x = np.array([row["x"] for row in rows])
    y = np.array([row["copy"] for row in rows], dtype=np.float64)
    first = np.array([row["query"] // 2 // len(EDITS) % 2 == 0 for row in rows])
    weights = fit(x[first], y[first])
    alike = 1 / (1 + np.exp(-(weights[0] + x @ weights[1:])))
    p = np.array([settled(float(one), row["local_change"]) for one, row in zip(alike, rows, strict=True)])
    print(json.dumps({"intercept": weights[0], **dict(zip(FEATURES, weights[1:], strict=True))}, indent=1))
    held = ~first
    queries = len({row["query"] for row, h in zip(rows, held, strict=True) if h})
    print(f"likeliest non-copy of the {len({row['query'] for row in rows}) - queries} fitted queries:")
    print(
        f"  before contradictions are heard {alike[first & (y == 0)].max():.4f}, after {p[first & (y == 0)].max():.4f}"
    )
    for name, point in FITTED.operating_points.items():
        false = int(np.sum(p[held & (y == 0)] >= point))
        recall = np.mean(p[held & (y == 1)] >= point)
        print(f"{name.value} {point}: {false} false in {queries} held-out queries, recall {recall:.4f}")
    for edit in sorted(EDITS):
        of = held & (y == 1) & np.array([row["edit"] == edit for row in rows])
        found = [f"{np.mean(p[of] > t):.3f}" for t in (0.5, 0.9, 0.95, 0.99)]
        print(f"{edit:12} n {of.sum():4} recall at 0.5 0.9 0.95 0.99: {' '.join(found)}")
    worst = sorted(((float(pi), row) for pi, row in zip(p, rows, strict=True) if not row["copy"]), key=lambda t: -t[0])
    for probability, row in worst[:12]:
        print(f"{probability:.4f}", row["edit"], row["pair"], np.round(row["x"], 3), file=sys.stderr)


if __name__ == "__main__":
    main()

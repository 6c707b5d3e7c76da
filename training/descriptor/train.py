"""Train the descriptor: `python -m training.descriptor.train --out FOLDER --minutes 110` (needs KEEPONE_SHARED, torch).

Two views of one picture are drawn together and those of others pushed apart (InfoNCE: van den Oord et al., 2018), while
each view is kept away from its nearest stranger (Sablayrolles et al., "Spreading vectors for similarity search", ICLR
2019), as SSCD does (Pizzi et al., CVPR 2022). Descriptors of former steps as more strangers were tried and did harm: the
network moves away from where it was rather than apart. What ships is the running average of the weights.

Stopped, it goes on from its last checkpoint; the schedule is by time, not by steps. To train a finished network longer,
put `steady.pt` in the checkpoint's place and ask for more minutes. With glibc, MALLOC_MMAP_THRESHOLD_ and
MALLOC_TRIM_THRESHOLD_ of some gigabytes save a tenth of the time on a processor.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import time
from multiprocessing import Value
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader

from training.descriptor import pictures, stock
from training.descriptor.batches import PAIRS, Batches, tensor
from training.descriptor.model import Descriptor
from training.descriptor.views import Views

SEED = 20261129
WARM, COLD = 0.1, 0.05
"""Temperatures. A cold loss looks at the hardest stranger alone, which says little while all look alike."""
COLD_FROM = 0.3
"""From which share of the time on the loss is cold."""
EASY, FULL_FROM = 0.5, 0.2
"""How strong the edits are at first, and from which share of the time on they have their full strength."""
SPREAD = 1.0
PEAK_RATE, DECAY = 2e-3, 0.03
WARM_STEPS = 300
FALL_FROM = 0.55
"""From this share of the time on the rate falls in a straight line; until then it stays, so that a run can be prolonged."""
AVERAGED = 0.998
SAVE_SECONDS = 300.0
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
HAS_BFLOAT16 = DEVICE == "cuda" or bool(torch.cpu._is_avx512_bf16_supported())  # noqa: SLF001 - no public way to ask
"""A processor without it emulates such numbers: 17 times slower than in 32 bits, where one that has it is 6 times faster."""
SIDES = ((0.0, 64), (0.2, 96), (0.85, 128))
"""From which share of the time on views are how large: most of what there is to learn shows in small ones, at a third
of the price."""
UNSEEN = 1000
"""Pictures never trained on, with one hard view each, that progress is told by."""


def loss_of(first: Tensor, second: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """Telling one's own second view from all others of the step; and the distance to the nearest stranger."""
    both = torch.cat([first, second])
    count = len(first)
    alike = both @ both.T
    own = torch.eye(2 * count, dtype=torch.bool, device=both.device)
    pairs = torch.arange(2 * count, device=both.device).roll(count)
    told = functional.cross_entropy(alike.masked_fill(own, -math.inf) / temperature, pairs)
    strangers = alike.masked_fill(own | own.roll(count, 0), -2).amax(1)
    apart = -torch.log((2 - 2 * strangers).clamp(min=1e-6).sqrt()).mean()
    return told, apart


def rate_at(step: int, share: float) -> float:
    """Warm up, stay, fall to a hundredth."""
    fallen = max(0.0, share - FALL_FROM) / (1 - FALL_FROM)
    return PEAK_RATE * min(1.0, (step + 1) / WARM_STEPS) * (1 - 0.99 * min(1.0, fallen))


def temperature_at(share: float) -> float:
    """From warm to cold, in a straight line."""
    return WARM + (COLD - WARM) * min(1.0, share / COLD_FROM)


def side_at(share: float) -> int:
    return max(side for begin, side in SIDES if share >= begin)


def strength_at(share: float) -> float:
    return EASY + (1 - EASY) * min(1.0, share / FULL_FROM)


class Unseen:
    """How well pictures are found that were never trained on."""

    def __init__(self, views: Views) -> None:
        self._views = views
        self._made: dict[int, tuple[Tensor, Tensor]] = {}

    @torch.no_grad()
    def found(self, network: torch.nn.Module, side: int) -> float:
        """The share of them whose hard view lies nearest to them among all."""
        if side not in self._made:
            rng = np.random.default_rng(SEED)
            plain = np.stack([self._views.plain(number, side) for number in range(UNSEEN)])
            hard = np.stack([self._views.hard(number, side, rng) for number in range(UNSEEN)])
            self._made[side] = torch.from_numpy(plain), torch.from_numpy(hard)
        network.eval()
        references, asked = (
            torch.cat([network(tensor(part.to(DEVICE))) for part in pixels.split(250)]) for pixels in self._made[side]
        )
        network.train()
        nearest = (asked @ references.T).argmax(1).cpu()
        return float((nearest == torch.arange(UNSEEN)).float().mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=110)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--makers", type=int, default=2, help="processes that make views")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    torch.set_flush_denormal(True)
    shared = Path(os.environ["KEEPONE_SHARED"])
    asked.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(SEED)
    drawn = stock.draw(SEED)
    views = Views(pictures.load(shared, trained=True), drawn)
    unseen = Unseen(Views(pictures.load(shared, trained=False), drawn))
    network = Descriptor().to(DEVICE, memory_format=torch.channels_last)
    average = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(AVERAGED), use_buffers=True
    )
    optimiser = torch.optim.AdamW(network.parameters(), lr=PEAK_RATE, weight_decay=DECAY)
    state = {"step": 0, "seconds": 0.0}
    checkpoint = asked.out / "checkpoint.pt"
    if checkpoint.exists():
        kept = torch.load(checkpoint, weights_only=True, map_location=DEVICE)
        network.load_state_dict(kept["network"])
        average.load_state_dict(kept["average"])
        optimiser.load_state_dict(kept["optimiser"])
        state = kept["state"]
    train(network, average, optimiser, views, unseen, asked, state)


def train(
    network: Descriptor, average: Any, optimiser: Any, views: Views, unseen: Unseen, asked: Any, state: dict[str, Any]
) -> None:
    log = asked.out / "log.jsonl"
    limit, began, saved, told_at = 60 * asked.minutes, time.monotonic() - state["seconds"], time.monotonic(), 0.0
    share = state["seconds"] / limit
    side, strength = Value("i", side_at(share)), Value("d", strength_at(share))
    batches = Batches(views, side, strength, SEED + state["step"])
    made = iter(DataLoader(batches, batch_size=None, num_workers=asked.makers, prefetch_factor=2))
    sums = np.zeros(2)
    while (seconds := time.monotonic() - began) < limit:
        share = seconds / limit
        side.value, strength.value = side_at(share), strength_at(share)
        both = tensor(next(made).to(DEVICE)).contiguous(memory_format=torch.channels_last)
        with torch.autocast(DEVICE, dtype=torch.bfloat16, enabled=HAS_BFLOAT16):
            rows = network(both)
        rows = rows.float()
        told, apart = loss_of(rows[:PAIRS], rows[PAIRS:], temperature_at(share))
        for group in optimiser.param_groups:
            group["lr"] = rate_at(state["step"], share)
        optimiser.zero_grad(set_to_none=True)
        (told + SPREAD * apart).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        average.update_parameters(network)
        state["step"] += 1
        sums += (told.item(), apart.item())
        if state["step"] % 100 == 0:
            line = {
                "step": state["step"],
                "minutes": round(seconds / 60, 1),
                "told": round(sums[0] / 100, 4),
                "apart": round(sums[1] / 100, 4),
            }
            sums[:] = 0
            if seconds - told_at > SAVE_SECONDS or state["step"] in {100, 500}:
                told_at = seconds
                line["unseen_found"] = round(unseen.found(average.module, side_at(share)), 4)
            with log.open("a") as file:
                file.write(json.dumps(line) + "\n")
            print(line, flush=True)
        if time.monotonic() - saved > SAVE_SECONDS:
            saved = time.monotonic()
            save(network, average, optimiser, state | {"seconds": seconds}, asked.out)
            if share < FALL_FROM:
                shutil.copyfile(asked.out / "checkpoint.pt", asked.out / "steady.pt")
    save(network, average, optimiser, state | {"seconds": limit}, asked.out)
    print("unseen, at last:", unseen.found(average.module, side_at(1.0)), flush=True)


def save(network: Descriptor, average: Any, optimiser: Any, state: dict[str, Any], out: Path) -> None:
    kept = {
        "network": network.state_dict(),
        "average": average.state_dict(),
        "optimiser": optimiser.state_dict(),
        "state": state,
    }
    torch.save(kept, out / "checkpoint.new")
    (out / "checkpoint.new").replace(out / "checkpoint.pt")
    torch.save(average.module.state_dict(), out / "weights.pt")


if __name__ == "__main__":
    main()

"""Which pictures may be committed together.

A verdict must know of every copy that was committed before it. Pictures of one group are committed at once, so none of
them can have met the others in the index. A group therefore holds only pictures that cannot be one another's copies:
for each pair a bound is looked at that no verdict could beat. A picture that might be a copy of a member waits until
the group is committed, searches again, and meets it as any other reference. So does one that might be a copy of a
picture that waits: of two copies the one that came first is committed first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from service.descriptors.hashes import hamming
from service.domain.verdict import could_be_copies

if TYPE_CHECKING:
    from service.domain.verdict import VerdictModel
    from service.workflows.study import Subject

CODEC_ERROR = 0.002
"""How much nearer two descriptors may seem once one of them is stored as float16 (measured: below 0.001)."""


class Strangers:
    """Pictures of which no two can be copies of each other, nor of any that was turned away."""

    def __init__(self, model: VerdictModel) -> None:
        self._model = model
        self._seen: list[Subject] = []

    def admit(self, subject: Subject) -> bool:
        """Take the picture into the group, unless it might be a copy of one that was asked about before."""
        is_stranger = not any(self._might_match(subject, earlier) for earlier in self._seen)
        self._seen.append(subject)
        return is_stranger

    def _might_match(self, subject: Subject, earlier: Subject) -> bool:
        mine, other = subject.assessed, earlier.assessed
        if mine.facts.sha256 == other.facts.sha256 or mine.facts.pixel_hash == other.facts.pixel_hash:
            return True
        if mine.too_little_detail or other.too_little_detail:
            return False
        similarities = subject.posed_vectors @ earlier.posed_vectors[0]
        nearest = similarities.max()
        # The index asks in the pose that comes closest; rounding may make that another one of about the same.
        return any(
            could_be_copies(
                self._model,
                phash_distance=hamming(subject.posed_phashes[pose], earlier.posed_phashes[0]),
                similarity=min(1.0, float(nearest) + CODEC_ERROR),
            )
            for pose in np.flatnonzero(similarities >= nearest - CODEC_ERROR)
        )

"""How finely two pictures show the same: detail, edges and grain, each read alone, and held against one another.

All of it shows in the variance of the Laplacian, whose sharpness is s = v / (v + 200): an enlargement by f leaves v / f^4,
contrast stretched by c makes c^2 v, white noise of n levels adds 20 n^2. So a reading of one of them that the others do
not bear out is not believed.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from service.domain.direction import differ_in_size

if TYPE_CHECKING:
    from service.domain.values import Assessed, Quality

MORE = 0.2
"""Doublings of the Laplacian's variance, that more detail in as many pixels shows at the least."""
SOFT = 1.7
"""Times a picture was enlarged, from which no lens leaves as little: untouched photographs read 1.62 at most."""
BORNE_OUT = 0.7
"""Doublings of the variance for each doubling of detail that a picture below SOFT is said to lack, at the least: a third of
what an ideal enlargement takes. Of photographs of the fitting half that were blurred all have more, of those enlarged back
98 %; of originals that read as enlarged beside a JPEG, a recoloured or a captioned copy that does not, one in fifteen."""
SOFTER = 2.2
"""Doublings of the variance by which no photograph is softer than its smaller copy: 205 of the fitting half 1.8 at most."""
FOR_EACH = 1.7
"""Doublings of the variance that enlarging takes for each doubling of detail that is then lacking: twelve of those
photographs, enlarged twice and saved at 78, lost 3.3 to 3.5, and read as enlarged by anything from 1 to 1.8."""
EVERYWHERE = 1.0
"""Doublings of the variance beyond what contrast makes, that sharpening adds at the least: of 500 photographs of the fitting
half 96 % gain as much; a save as JPEG takes less of 99 %, and so does enlarging back of those that come nearest."""
KEEPS = 95
"""Quality of a JPEG that would show if it was blurred. Of photographs of the fitting half that were blurred or enlarged
back and read as whole all the same, 41 of 47 were saved more coarsely."""
SHARPENED, SHARPENED_SOFT = 1.08, 1.15
"""Times the contrast, from which a sharper picture was made so, beside a whole one and beside one below SOFT. Blurring takes
as much of 2 of 36 photographs that still read as whole, and of 1 of 63 others."""
CUT = 0.05
"""By how much its exposure is worse, likewise, beside a whole one: blurring takes 0.024 at most."""
NOISIER = 4.0
"""Times the noise, that sharpening does not make: 3.7 at most in 500 photographs. One in four that are blurred lose more."""
STEADY_NOISE = 0.7
"""Grey levels that count for nothing."""
MOST_BY_NOISE = 4.2
"""Times the variance that noise explains, from which something else came with it. Of photographs of the fitting half laid
under noise 90 % have less; of those blurred or enlarged back 1 % lose 4.4 times, half of them 20 times as much."""
OF_NOISE, LEFT_BY_NOISE, HALF_SHARP = 20.0, 0.05, 200.0
"""As in `assess.overall` and `assess.sharpness`."""


def real_megapixels(one: Assessed) -> float:
    """Of real detail within its frame; of pixels where that is not known."""
    return _within_frame(one, one.quality.effective_megapixels or one.facts.megapixels)


def megapixels_within_frame(one: Assessed) -> float:
    return _within_frame(one, one.facts.megapixels)


def _within_frame(one: Assessed, megapixels: float) -> float:
    return max(megapixels * (1 - (one.quality.margin or 0.0)), 1e-9)


def doublings_of_detail(one: Assessed, other: Assessed) -> float:
    """By how many doublings the first holds more real detail within its frame; of pixels where that is not known."""
    return math.log2(real_megapixels(one) / real_megapixels(other))


def is_borne_out(ahead: Assessed, behind: Assessed) -> bool:
    """Whether one that has no more pixels, and is said to hold more detail, is sharper by as much as that takes: beyond
    what more contrast does, which stretches every difference alike.
    """
    more = _beyond_contrast(ahead.quality, behind.quality)
    if more is None:
        return True
    if 2 ** (doublings_lacking(behind) / 2) >= SOFT:
        return differ_in_size(ahead.facts, behind.facts) or more > MORE
    return more > max(MORE, BORNE_OUT * (doublings_lacking(behind) - doublings_lacking(ahead)))


def hidden_doublings(larger: Assessed, smaller: Assessed) -> float:
    """Doublings of detail that a larger picture lacks beyond what is read of it, told by its softness beside a smaller one:
    a coarse save hides how far a picture was enlarged.
    """
    more = more_variance(smaller.quality, larger.quality)
    if more is None or more < SOFTER or _would_show_blur(larger.quality) or is_grain(smaller.quality, larger.quality):
        return 0.0
    lacking = doublings_lacking(larger) - doublings_lacking(smaller)
    return max(0.0, more / FOR_EACH - lacking)


def doublings_lacking(one: Assessed) -> float:
    """Doublings of detail that its pixels could hold and do not."""
    return math.log2(one.facts.megapixels / (one.quality.effective_megapixels or one.facts.megapixels))


def _beyond_contrast(one: Quality, other: Quality) -> float | None:
    """By how many doublings the first one's Laplacian varies more than its contrast makes it."""
    more = more_variance(one, other)
    return None if more is None else more - 2 * math.log2(max(times_the_contrast(one, other), 1.0))


def more_variance(one: Quality, other: Quality) -> float | None:
    """By how many doublings the first one's Laplacian varies more."""
    if one.sharpness is None or other.sharpness is None:
        return None
    return _doublings_of_variance(one.sharpness) - _doublings_of_variance(other.sharpness)


def times_the_contrast(one: Quality, other: Quality) -> float:
    if not one.contrast or not other.contrast:
        return 1.0
    return one.contrast / other.contrast


def was_sharpened(sharper: Assessed, softer: Assessed) -> bool:
    """Whether the sharper of two was made so: the other one is not blurred, or edges of the first stand far higher."""
    here, there = sharper.quality, softer.quality
    more = _beyond_contrast(here, there)
    if there.enlargement is None or there.enlargement >= SOFT or more is None or more < EVERYWHERE:
        return False
    if (here.noise or 0.0) > NOISIER * ((there.noise or 0.0) + 0.1):
        return False
    if there.enlargement > 1:
        return times_the_contrast(here, there) >= SHARPENED_SOFT
    is_cut = here.exposure is not None and there.exposure is not None and there.exposure - here.exposure >= CUT
    return is_cut or times_the_contrast(here, there) >= SHARPENED


def _would_show_blur(quality: Quality) -> bool:
    if quality.shows_an_earlier_save:
        return False
    return quality.jpeg_quality >= KEEPS if quality.jpeg_quality is not None else quality.was_lossy is False


def is_far_sharper(one: Assessed, other: Assessed) -> bool:
    """Whether edges, not grain, of the first are so much sharper in as many pixels that it was sharpened, or the other one
    blurred.
    """
    here, there = one.quality, other.quality
    if differ_in_size(one.facts, other.facts) or is_grain(here, there):
        return False
    more = _beyond_contrast(here, there)
    return more is not None and more >= EVERYWHERE


def is_grain(loud: Quality, quiet: Quality) -> bool:
    """Whether what the first has more than the second is noise: white noise of n levels adds 20 n squared to the
    Laplacian's variance, and where texture differs far more comes with it.
    """
    if loud.noise is None or quiet.noise is None or loud.noise - quiet.noise <= STEADY_NOISE:
        return False
    if loud.sharpness is None or quiet.sharpness is None:
        return True
    more = _variance(loud.sharpness) - _variance(quiet.sharpness)
    return more <= MOST_BY_NOISE * OF_NOISE * (loud.noise**2 - quiet.noise**2)


def sharpness_without_noise(quality: Quality) -> float | None:
    """The sharpness that is not the noise's."""
    if quality.sharpness is None or quality.noise is None:
        return quality.sharpness
    variance = _variance(quality.sharpness)
    left = max(variance - OF_NOISE * quality.noise**2, LEFT_BY_NOISE * variance)
    return left / (left + HALF_SHARP)


def is_larger(one: Assessed, other: Assessed) -> bool:
    return differ_in_size(one.facts, other.facts) and one.facts.megapixels > other.facts.megapixels


def _variance(sharpness: float) -> float:
    return HALF_SHARP * sharpness / max(1 - sharpness, 1e-9)


def _doublings_of_variance(sharpness: float) -> float:
    return math.log2(max(sharpness, 1e-3) / max(1 - sharpness, 1e-3))

"""`similar:<space>` of further spaces: by each metric, with the model's own thresholds where none is given."""

import pickle

import numpy as np
import pytest

from service.descriptors.testing import ColourTwin, SquareTwin
from service.domain.errors import NoThresholdError, UnknownSpaceError
from service.domain.likeness import Distance, distance
from service.settings import Settings
from service.workflows import by_further_space, further_models
from service.workflows.criteria import check_criterion, criterion, parameters_of
from service.workflows.matchers import pairs

SQUARES, COLOURS = "deepface:squares", "clip:colours"


def with_faces(*faces):
    picture = np.random.default_rng(0).integers(0, 200, (120, 320, 3), np.uint8)
    for number, whose in enumerate(faces):
        picture[20:80, 10 + 80 * number : 70 + 80 * number] = (255, 0, whose)
    return picture


@pytest.fixture
def agreeing():
    """Which of the pictures agree, by numbers."""

    def run(pictures, parameters, groups=None, twin=SquareTwin, name=SQUARES):
        matcher = criterion(f"similar:{name}", parameters, {name: twin(name)})
        for number, picture in enumerate(pictures):
            matcher.add(picture, groups[number] if groups else "")
        return {(one, other): found for one, other, found in pairs(matcher, len(pictures))}

    return run


PICTURES = [with_faces(10), with_faces(200, 12), with_faces(), with_faces(120), with_faces()]


def test_pictures_that_share_a_face_agree_and_those_without_one_never_do(agreeing):
    """By the threshold of the model's makers."""
    found = agreeing(PICTURES, {})
    assert found.keys() == {(0, 1)}
    assert found[0, 1] == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    ("parameters", "pairs_found"),
    [
        ({"threshold": 0.9999999}, set()),
        ({"threshold": 0.8}, {(0, 1), (0, 3), (1, 3)}),
        ({"metric": "euclidean", "threshold": 0.1}, {(0, 1)}),
        ({"metric": "euclidean_l2", "threshold": 0.1}, {(0, 1)}),
        ({"metric": "euclidean", "threshold": 0.01}, set()),
        ({"metric": "euclidean_l2", "threshold": 0.012}, {(0, 1)}),
        ({"metric": "euclidean", "threshold": 0.012}, set()),
    ],
)
def test_each_metric_has_its_own_threshold(agreeing, parameters, pairs_found):
    """The plain distance of vectors twice as long is twice that at length 1, and a bit more here."""
    assert agreeing(PICTURES, parameters).keys() == pairs_found


def test_pictures_of_two_groups_never_agree(agreeing):
    """As with every matcher."""
    assert agreeing(PICTURES, {}, groups=list("abcde")) == {}


def test_without_a_threshold_anywhere_it_is_asked_for():
    """Before a picture is looked at."""
    with pytest.raises(NoThresholdError, match="euclidean_l2 needs one"):
        check_criterion(f"similar:{SQUARES}", {"metric": "euclidean_l2"}, {SQUARES: SquareTwin(SQUARES)})
    check_criterion(f"similar:{SQUARES}", {"metric": "euclidean_l2", "threshold": 1.0}, {SQUARES: SquareTwin(SQUARES)})


def test_a_space_that_is_not_set_is_named_with_those_that_are():
    """A client's name opens no model."""
    with pytest.raises(UnknownSpaceError, match=r"'clip:x'.*builtin, deepface:squares"):
        check_criterion("similar:clip:x", {}, {SQUARES: SquareTwin(SQUARES)})
    assert parameters_of("similar:clip:x") == ("metric", "threshold")


def test_a_picture_space_compares_whole_pictures(agreeing):
    """With one vector for each."""
    whole = PICTURES[2]
    found = agreeing([whole, whole[::-1], whole // 4], {}, twin=ColourTwin, name=COLOURS)
    assert found.keys() == {(0, 1)}


@pytest.mark.usefixtures("twins")
def test_a_folders_matcher_sees_in_other_processes_by_the_models_name(tmp_path):
    """What is sent there holds no model; it is opened there, once."""
    settings = Settings(_env_file=None, data=tmp_path, descriptors=f"builtin,{SQUARES}")
    with further_models.opened(settings, SQUARES) as further:
        sight = further_models.sight(settings, further[SQUARES])
        assert pickle.loads(pickle.dumps(sight))(with_faces(10)).shape == (1, 4)  # noqa: S301 - our own
        assert further[SQUARES].asked == 1
    assert further[SQUARES].closed
    with further_models.opened(settings, "clip:x") as further:
        assert further == {}


@pytest.mark.parametrize(("metric", "threshold"), [("cosine", 0.8), ("euclidean", 2.5), ("euclidean_l2", 0.6)])
def test_of_many_exactly_those_agree_that_the_distance_says(metric, threshold, monkeypatch):
    """Pictures of none to three vectors of several lengths, in groups, some of them added after the first was asked."""
    monkeypatch.setattr(by_further_space, "_AT_ONCE", 7)
    chance = np.random.default_rng(4)
    middles = chance.normal(size=(6, 4))
    seen, groups = [], []
    for _ in range(120):
        count = int(chance.integers(4))
        near = middles[chance.integers(6, size=count)] + 0.4 * chance.normal(size=(count, 4))
        seen.append((near * chance.uniform(0.8, 1.6, (count, 1))).astype(np.float32).reshape(-1, 4))
        groups.append(str(int(chance.integers(3))))
    matcher = criterion(
        f"similar:{SQUARES}", {"metric": metric, "threshold": threshold}, {SQUARES: SquareTwin(SQUARES)}
    )
    most = 1 - threshold if metric == "cosine" else threshold
    for number, (vectors, group) in enumerate(zip(seen, groups, strict=True)):
        matcher.keep(vectors, group)
        expected = {
            other
            for other in range(number)
            if groups[other] == group
            and any(distance(one, its, Distance(metric)) <= most for one in vectors for its in seen[other])
        }
        assert set(matcher.candidates(number).tolist()) == expected
        assert {other for other in range(number) if matcher.agreement(number, other) is not None} == expected

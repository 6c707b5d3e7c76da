"""Each lead of one picture over another: which way it points, and where it says nothing."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.pairs import NOTHING_KNOWN, Pair, pair_of
from service.domain.policy import DEFAULT, Weights
from service.domain.values import Edit, Relation
from service.domain.weighing import leads, unknown
from service.domain.worth import worth

PLAIN = {"effective_megapixels": 0.8, "compression": 0.9, "noise": 1.0, "margin": 0.0, "exposure": 0.9}
PLAIN |= {"jpeg_quality": 95, "contrast": 0.5}
RETOUCHED = {"earlier_jpeg_quality": 95, "tones_changed": True, "tones_stretched": 1.3, "contrast": 0.65}
RETOUCHED |= {
    "sharpness": 1 / (1 + 1 / 1.3**2)
}  # a plain one's is a half, and its Laplacian varies 1.3^2 times as much


@pytest.fixture(scope="session")
def told(a_picture):
    """What one picture, that is so, leads a plain one by, by the weight's name."""

    def run(pair=NOTHING_KNOWN, policy=DEFAULT, **so):
        one, other = a_picture(**PLAIN | so), a_picture(**PLAIN)
        there = {lead.what: lead.weight for lead in leads(one, other, pair, policy)}
        back = {lead.what: lead.weight for lead in leads(other, one, pair.turned(), policy)}
        assert there == pytest.approx({what: -weight for what, weight in back.items()})
        return there

    return run


@pytest.mark.parametrize(
    ("so", "what", "ahead"),
    [
        ({"effective_megapixels": 3.2, "width": 2000, "height": 1600}, "detail", True),
        ({"effective_megapixels": 0.2, "sharpness": 0.2}, "detail", False),
        ({"compression": 0.5}, "compression", False),
        ({"earlier_jpeg_quality": 95}, "saved_before", False),
        ({"was_lossy": True, "kind": "PNG", "jpeg_quality": None}, "saved_before", False),
        (RETOUCHED, "tones", False),
        ({"sharpness": 0.9}, "sharpness", True),
        ({"noise": 8.0}, "noise", False),
        ({"exposure": 0.7}, "exposure", False),
        ({"margin": 0.2, "width": 1250}, "frame", False),
        ({"screenshot": 0.9}, "screenshot", False),
        ({"generated": 1.0}, "generated", False),
        ({"camera_named": True}, "camera", True),
        ({"kind": "PNG"}, "format", True),
        ({"size": 400_000}, "bytes", True),
    ],
)
def test_a_difference_leads_one_way_and_only_by_what_it_is_weighed(told, so, what, ahead):
    """And by nothing where the policy gives it no weight."""
    assert (told(**so)[what] > 0) is ahead
    weightless = replace(DEFAULT, weights=replace(Weights(), **{what: 0.0}))
    assert what not in told(policy=weightless, **so)


@pytest.mark.parametrize(
    "so",
    [
        {"effective_megapixels": 0.85},
        {"sharpness": 0.6},
        {"noise": 1.5},
        {"exposure": 0.903},
        {"margin": 0.01},
        {"margin": 0.2},  # of one size: a dark edge of its own
        {"screenshot": 0.4},
        {"size": 101_000, "jpeg_quality": 94},
        {"effective_megapixels": 0.4},  # no softer for it: a save has hidden the enlargement of the other
    ],
)
def test_what_measuring_alone_makes_counts_for_nothing(told, so):
    """Nor does a reading that nothing bears out."""
    assert told(**so) == {}


def test_grain_is_no_detail(told):
    """It reads as detail and as sharpness; where nothing else came with it, it leads by neither."""
    grainy = told(effective_megapixels=3.2, sharpness=0.8, noise=6.0)
    assert set(grainy) == {"noise"}
    assert grainy["noise"] == told(noise=6.0)["noise"] < 0


@pytest.fixture(scope="session")
def sharper(a_picture):
    """What one that is far sharper leads by, in sharpness and in detail, beside one that is so."""

    def run(other, **so):
        here = a_picture(**PLAIN | {"sharpness": 0.9, "enlargement": 1.0} | so)
        there = a_picture(**PLAIN | {"sharpness": 0.5, "enlargement": 1.0, "was_lossy": None} | other)
        found = {lead.what: lead.weight for lead in leads(here, there, NOTHING_KNOWN, DEFAULT)}
        back = {lead.what: -lead.weight for lead in leads(there, here, NOTHING_KNOWN, DEFAULT)}
        assert found == back
        return found

    return run


@pytest.mark.parametrize(
    ("other", "so"),
    [
        ({"jpeg_quality": 85}, {"contrast": 0.55}),
        ({"jpeg_quality": 85}, {"exposure": 0.84}),
        ({"enlargement": 1.4, "effective_megapixels": 0.4}, {"contrast": 0.6}),
    ],
)
def test_what_was_sharpened_is_behind(sharper, other, so):
    """Edges that stand higher beside a picture that was not blurred; and they are no detail."""
    found = sharper(other, **so)
    assert found["sharpness"] == -0.1
    assert "detail" not in found


@pytest.mark.parametrize(
    ("other", "so"),
    [
        ({"enlargement": 2.0, "effective_megapixels": 0.2}, {"contrast": 0.6}),  # no lens is as soft
        ({"enlargement": 1.4, "effective_megapixels": 0.4}, {"contrast": 0.55}),
        ({"jpeg_quality": 85}, {}),  # it may have been blurred before that save
        ({"kind": "PNG", "jpeg_quality": None, "was_lossy": True}, {}),
        ({"kind": "WEBP", "jpeg_quality": None}, {}),
        ({"noise": 0.2}, {"noise": 2.0}),  # a blur took the grain with it
    ],
)
def test_what_is_sharper_than_a_blurred_one_is_ahead(sharper, other, so):
    """And so is what is sharper than one of which nobody knows."""
    assert sharper(other, **so)["sharpness"] > 0


def test_detail_is_believed_of_whoever_is_as_much_sharper_as_it_takes(told):
    """A soft lens reads as an enlargement, and a JPEG of it as none: then both are about as sharp."""
    soft = {"effective_megapixels": 0.4, "enlargement": 1.41}
    assert "detail" not in told(**soft, sharpness=0.42)
    assert told(**soft, sharpness=0.32)["detail"] < 0
    larger = {"width": 1250, "height": 1000, "effective_megapixels": 0.625}
    assert "detail" not in told(**larger, sharpness=0.45)
    assert told(**larger, sharpness=0.3)["detail"] == pytest.approx(-0.118, abs=0.001)


def test_a_coarse_save_hides_an_enlargement_from_its_spectrum_and_not_from_who_stands_beside_it(told):
    """It reads as soft, and is far softer than that; one that is as soft as it reads, or saved finely, is believed."""
    large = {"width": 2000, "height": 1600, "effective_megapixels": 1.6}
    assert told(**large, jpeg_quality=80, sharpness=0.3)["detail"] == told(**large)["detail"] > 0
    assert told(**large, jpeg_quality=80, sharpness=0.03)["detail"] < 0
    assert told(**large, sharpness=0.03)["detail"] > 0


def test_contrast_and_words_are_no_detail(told):
    """Stretched differences and letters read as detail; a picture that has more of both is not ahead by it."""
    more = {"effective_megapixels": 1.6, "sharpness": 0.7}
    assert told(contrast=0.55, **more)["detail"] > 0
    assert "detail" not in told(contrast=0.8, **more)
    assert "detail" not in told(Pair(overlaid=True), contrast=0.55, **more)


def test_what_went_with_the_texture_was_no_grain(told):
    """The softer picture has less of everything, and is not called clean for it."""
    assert "noise" not in told(sharpness=0.1, noise=0.0)
    assert told(sharpness=0.48, noise=0.0)["noise"] > 0
    assert "noise" not in told(sharpness=0.48, noise=0.0, enlargement=3.0, effective_megapixels=0.09)
    textured = told(effective_megapixels=3.2, sharpness=0.95, noise=4.0)
    assert set(textured) == {"detail", "sharpness"}
    assert min(textured.values()) > 0


@pytest.mark.parametrize("what", ["margin", "noise", "exposure", "compression"])
def test_what_is_unknown_of_one_leads_nobody(a_picture, what):
    """It is told as unknown where a person would miss it."""
    one, other = a_picture(**PLAIN | {what: None}), a_picture(**PLAIN | {"margin": 0.2, "noise": 9.0})
    names = {"margin": "frame"}
    assert names.get(what, what) not in {lead.what for lead in leads(one, other, NOTHING_KNOWN, DEFAULT)}
    assert (what in unknown(one, other)) == (what in {"noise", "compression"})


class TestPairs:
    """What lies between two pictures, and which of them has it."""

    def test_who_shows_more_leads_unless_it_is_a_frame(self, told):
        """A border, or the margin that was measured, is nothing of the scene."""
        wider = {"first_overlap": 0.6, "second_overlap": 1.0}
        assert told(Pair(**wider))["shows_more"] > 0
        framed = told(Pair(**wider, first_framed=True))
        assert framed["frame"] < 0
        assert "shows_more" not in framed
        assert told(Pair(**wider), margin=0.4)["frame"] < 0

    def test_what_lies_around_a_framed_picture_is_no_detail(self, told):
        """Letters and edges of a page read as such; it holds more only if it shows the other one in more pixels."""
        page = {"width": 2000, "height": 1600, "effective_megapixels": 3.2, "margin": 0.6}
        framed = Pair(first_overlap=0.25, second_overlap=1.0, first_framed=True)
        assert "detail" not in told(framed, **page)
        assert told(replace(framed, first_overlap=0.39), **page)["detail"] > 0

    def test_a_page_that_is_not_proved_leads_nobody(self, told):
        """What looks like a screenshot and shows more, or has a wide margin, shows a page and no more of the scene."""
        larger = {"width": 2000, "height": 1600, "effective_megapixels": 3.2}
        wider = Pair(first_overlap=0.25, second_overlap=1.0, first_framed=False)
        assert set(told(wider, **larger)) == {"detail", "shows_more"}
        assert set(told(wider, **larger, screenshot=0.9)) == {"screenshot"}
        assert told(wider, **larger, margin=0.6) == {}

    def test_a_frame_is_not_what_makes_a_picture_clean(self, told):
        """Noise is read where a picture is smoothest; a narrow dark edge changes nothing."""
        quiet = {"noise": 0.0, "sharpness": 0.48}
        assert "noise" not in told(Pair(first_overlap=0.7, second_overlap=1.0), **quiet, margin=0.3)
        assert told(**quiet, margin=0.02)["noise"] > 0

    def test_a_margin_that_the_other_would_show_as_well_is_no_frame(self, told):
        """A crop may have cut off a dark edge; then the one with the margin shows more, and was seen not to be framed."""
        assert "frame" not in told(Pair(first_overlap=0.8, second_overlap=1.0, first_framed=False), margin=0.2)
        assert "frame" not in told(Pair(first_overlap=1.0, second_overlap=1.0), margin=0.2)

    def test_of_two_that_differ_in_a_spot_the_sharper_has_something_on_it(self, told):
        """And is not called sharper for it."""
        overlaid = told(Pair(overlaid=True), sharpness=0.9)
        assert overlaid["overlay"] < 0
        assert "sharpness" not in overlaid
        assert told(Pair(overlaid=True)) == {}

    def test_of_the_same_pixels_only_the_files_differ(self, told):
        """Readings of pixels may not, and the smaller file holds as much."""
        same = told(Pair(same_pixels=True), size=200_000, kind="PNG", sharpness=0.9, noise=9.0)
        assert set(same) == {"bytes", "format"}
        assert same["bytes"] < 0

    def test_a_check_tells_of_frames_where_the_query_shows_more(self):
        """Seen the other way round it cannot tell a frame from a crop."""
        edits = (Edit.PADDED,)
        assert pair_of(Relation.EDITED, edits, (0.7, 1.0), 0.5) == Pair(False, 0.7, 1.0, first_framed=True, alike=0.5)
        assert pair_of(Relation.EDITED, (), (0.7, 1.0), None).first_framed is False
        assert pair_of(Relation.EDITED, (Edit.CROPPED,), (1.0, 0.7), None).first_framed is None
        assert pair_of(Relation.SAME_PIXELS, (), (1.0, 1.0), 1.0).same_pixels


class TestSavedBefore:
    """An earlier save speaks against a picture only if it may be the other one's: many an original was saved twice."""

    @pytest.fixture
    def lead(self, a_picture):
        """Of the first over the second, by that alone."""

        def run(one, other):
            pictures = [a_picture(**PLAIN | so) for so in (one, other)]
            return sum(lead.weight for lead in leads(*pictures, NOTHING_KNOWN, DEFAULT) if lead.what == "saved_before")

        return run

    def test_the_one_made_from_the_other_is_behind(self, lead):
        """Its pixels were saved before just as the other one is, whatever that one was before."""
        assert lead({"jpeg_quality": 90, "earlier_jpeg_quality": 95}, {"jpeg_quality": 95}) == -0.3
        assert (
            lead({"jpeg_quality": 92, "earlier_jpeg_quality": 88}, {"jpeg_quality": 88, "earlier_jpeg_quality": 95})
            == -0.3
        )

    @pytest.mark.parametrize(
        "copy",
        [
            {"jpeg_quality": 88},
            {"jpeg_quality": 95, "noise": 6.0, "sharpness": 0.9},
            {"jpeg_quality": 95, "sharpness": 0.2},
            {"jpeg_quality": 95, "contrast": 0.45},
            {"jpeg_quality": None, "kind": "PNG", "was_lossy": False},
        ],
    )
    def test_a_copy_that_hides_it_is_not_ahead(self, lead, copy):
        """A coarser save, grain, blur and a curve leave nothing to see, and neither does all of it saved losslessly."""
        assert lead({"jpeg_quality": 92, "earlier_jpeg_quality": 95}, copy) == 0

    def test_a_retouched_picture_is_behind_the_one_that_it_was_made_from(self, told):
        """Once: what tells it is the very stretch that sets the two apart."""
        assert "saved_before" not in told(**RETOUCHED)
        assert told(**RETOUCHED)["tones"] == -0.3

    @pytest.mark.parametrize(
        "so", [{"contrast": 0.5}, {"contrast": 0.45}, {"sharpness": 0.85}, {"tones_stretched": 0.8}]
    )
    def test_a_retouched_original_is_not_behind_its_own_copy(self, told, so):
        """Whatever else sets the two apart says nothing of what was done before; and how it was first saved is a guess."""
        retouched = RETOUCHED | {"earlier_jpeg_quality": 84} | so
        assert not {"saved_before", "tones", "compression"} & told(**retouched).keys()

    @pytest.mark.parametrize(("quality", "weight"), [(98, 0), (97, -0.3), (95, -0.3), (60, -0.3), (None, -0.3)])
    def test_what_is_kept_losslessly_was_not_made_from_a_coarser_save(self, lead, quality, weight):
        """Its pixels may have been saved more coarsely since; finer only where it looks like the other one."""
        png = {"jpeg_quality": None, "kind": "PNG", "was_lossy": True, "earlier_jpeg_quality": quality}
        assert lead(png | {"sharpness": 0.8}, {"jpeg_quality": 95, "sharpness": 0.5}) == weight
        assert lead(png, {"jpeg_quality": 95}) == -0.3

    @pytest.mark.parametrize(
        ("png", "jpeg", "weight"),
        [
            ({"earlier_jpeg_quality": 90}, {"jpeg_quality": 95, "earlier_jpeg_quality": 90}, 0),
            ({"earlier_jpeg_quality": 90}, {"jpeg_quality": 92, "earlier_jpeg_quality": 75}, 0),
            ({"was_lossy": True}, {"jpeg_quality": 95, "earlier_jpeg_quality": 90}, 0),
            ({"earlier_jpeg_quality": 92}, {"jpeg_quality": 92, "earlier_jpeg_quality": 95}, -0.3),
        ],
    )
    def test_a_jpeg_that_shows_an_earlier_save_may_be_made_of_what_is_kept_losslessly(self, lead, png, jpeg, weight):
        """Unless that is the JPEG's own save, and the one before was finer."""
        assert lead({"jpeg_quality": None, "kind": "PNG"} | png, jpeg) == weight

    def test_a_jpeg_saved_anew_at_its_very_quality_has_fewer_bytes(self, a_picture):
        """Nothing else tells which was first."""
        first, again = (a_picture(**PLAIN | {"size": size}) for size in (100_100, 100_000))
        (found,) = leads(first, again, NOTHING_KNOWN, DEFAULT)
        assert found.what == "bytes"
        assert 0 < found.weight < 0.001


@pytest.mark.parametrize(
    ("here", "there", "weight"),
    [(255, 180, 0.025), (180, 255, -0.025), (255, 250, 0), (255, None, 0), (200, 180, 0)],
)
def test_lights_that_were_cut_off_below_white_were_darkened(a_picture, here, there, weight):
    """So fewer levels that are cut off at white speak for nobody beside it."""
    one, other = (a_picture(**PLAIN | {"lights_cut_at": level}) for level in (here, there))
    assert sum(lead.weight for lead in leads(one, other, NOTHING_KNOWN, DEFAULT)) == pytest.approx(weight)


def test_lights_cut_off_below_white_outweigh_that_nothing_is_cut_off_at_white(a_picture):
    clipped = a_picture(**PLAIN | {"lights_cut_at": 255, "exposure": 0.8})
    darkened = a_picture(**PLAIN | {"lights_cut_at": 190, "exposure": 1.0})
    (found,) = leads(clipped, darkened, NOTHING_KNOWN, DEFAULT)
    assert (found.what, found.text) == ("exposure", "cuts its lights off at white and not at 190")
    assert found.weight > 0


@pytest.mark.parametrize(
    ("so", "pair"),
    [({"exposure": 0.5}, NOTHING_KNOWN), ({"margin": 0.1}, NOTHING_KNOWN), ({}, replace(NOTHING_KNOWN, overlaid=True))],
)
def test_a_page_a_frame_and_words_may_be_what_is_white(a_picture, so, pair):
    """Then fewer levels that are cut off speak for a picture, as ever."""
    clipped = a_picture(**PLAIN | {"lights_cut_at": 255, "exposure": 0.8} | so)
    darkened = a_picture(**PLAIN | {"lights_cut_at": 190, "exposure": 1.0})
    found = {lead.what: lead.weight for lead in leads(clipped, darkened, pair, DEFAULT)}
    assert found["exposure"] == pytest.approx(-0.05)


values = st.none() | st.floats(0, 1)
pictures = st.fixed_dictionaries(
    {
        "width": st.integers(1, 20_000),
        "height": st.integers(1, 20_000),
        "size": st.integers(1, 10**8),
        "sharpness": values,
        "compression": values,
        "exposure": values,
        "margin": st.none() | st.floats(0, 0.99),
        "noise": st.none() | st.floats(0, 100),
        "effective_megapixels": st.none() | st.floats(1e-9, 500),
        "earlier_jpeg_quality": st.none() | st.integers(1, 100),
        "lights_cut_at": st.none() | st.integers(0, 255),
        "was_lossy": st.none() | st.booleans(),
        "tones_changed": st.none() | st.booleans(),
        "tones_stretched": st.none() | st.floats(0.5, 2),
        "jpeg_quality": st.none() | st.integers(80, 100),
        "contrast": values,
        "kind": st.sampled_from(["JPEG", "PNG"]),
    }
)


@given(one=pictures, other=pictures)
def test_any_two_pictures_can_be_weighed_and_from_either_side_alike(a_picture, one, other):
    """No number is too odd, a lead of the one is what the other is behind, and no weight leaves its range."""
    left, right = a_picture(**one), a_picture(**other)
    there = {lead.what: lead.weight for lead in leads(left, right, NOTHING_KNOWN, DEFAULT)}
    back = {lead.what: lead.weight for lead in leads(right, left, NOTHING_KNOWN, DEFAULT)}
    assert there == pytest.approx({what: -weight for what, weight in back.items()})
    assert all(-1 <= weight <= 1 for weight in there.values())


class TestWorth:
    """How good a picture is by itself."""

    @pytest.mark.parametrize(
        "worse",
        [
            {"width": 500, "height": 400, "effective_megapixels": 0.2},
            {"enlargement": 3.0, "effective_megapixels": 0.09},
            {"compression": 0.4},
            {"sharpness": 0.1},
            {"noise": 9.0},
            {"was_lossy": True},
            {"earlier_jpeg_quality": 80},
            {"margin": 0.3},
            {"screenshot": 0.9},
        ],
    )
    def test_what_takes_away_makes_it_less(self, a_picture, worse):
        """Each by itself."""
        assert worth(a_picture(**PLAIN | worse), DEFAULT) < worth(a_picture(**PLAIN), DEFAULT)

    def test_sharpening_makes_it_no_better(self, a_picture):
        """Beyond enough, more sharpness is no more worth."""
        assert worth(a_picture(**PLAIN | {"sharpness": 0.95}), DEFAULT) == worth(
            a_picture(**PLAIN | {"sharpness": 0.7}), DEFAULT
        )

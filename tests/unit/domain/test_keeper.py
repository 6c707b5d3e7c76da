"""Who stays, why, and when the rule leaves it to a person."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from service.domain.choosing import choose
from service.domain.keeper import QUERY, UNTOUCHED, recommend
from service.domain.letting_go import CANCELS_OUT, MUCH_SHARPER
from service.domain.pairs import Pair
from service.domain.policy import DEFAULT
from service.domain.values import Action, Relation, VerdictKind

COPIES = (Relation.SAME_PIXELS, Relation.REENCODED)


@pytest.fixture(scope="session")
def judge(a_match):
    """The recommendation about a query and one reference held to be its copy."""

    def run(query, reference, relation=Relation.REENCODED, kind=VerdictKind.DUPLICATE):
        match = a_match(relation=relation)
        copies, others = ([match], []) if kind is VerdictKind.DUPLICATE else ([], [match])
        verdict, (judged,) = recommend(kind, query, copies, others, {match.content_id: reference})
        return verdict, judged.recommendation

    return run


def test_a_half_size_copy_may_go(judge, a_picture):
    """The stored picture has four times the pixels, and stays."""
    verdict, of_stored = judge(a_picture(500, 400), a_picture(1000, 800))
    assert (verdict.action, verdict.keeper) == (Action.DELETE, "img_1")
    assert of_stored == UNTOUCHED
    assert "the stored picture has 4.0 times the real detail" in [reason.text for reason in verdict.reasons]


def test_a_thumbnail_goes_for_no_larger_one_unseen(judge, a_picture):
    """Too small for its detail to be read: more pixels may be those of an enlargement."""
    small, large = (a_picture(*size, effective_megapixels=None) for size in ((100, 80), (130, 104)))
    verdict, _ = judge(small, large)
    assert verdict.action is Action.REVIEW
    assert any("times the pixels" in reason.text for reason in verdict.reasons)


def test_a_larger_query_stays_and_the_stored_one_may_go(judge, a_picture):
    """The match's own recommendation is about that reference."""
    verdict, of_stored = judge(a_picture(1000, 800), a_picture(500, 400))
    assert (verdict.action, verdict.keeper) == (Action.KEEP, QUERY)
    assert of_stored.action is Action.DELETE


def test_real_detail_counts_and_not_pixels(judge, a_picture):
    """An enlargement has four times the pixels and no more to show."""
    original = a_picture(500, 400, effective_megapixels=0.2)
    enlarged = a_picture(1000, 800, effective_megapixels=0.1, sharpness=0.1)
    verdict, _ = judge(enlarged, original)
    assert (verdict.action, verdict.keeper) == (Action.DELETE, "img_1")
    assert "the stored picture has 2.0 times the real detail" in [reason.text for reason in verdict.reasons]
    assert judge(original, enlarged)[0].keeper == QUERY


def test_of_one_size_the_sharper_stays(judge, a_picture):
    """In either direction."""
    soft, sharp = a_picture(sharpness=0.4), a_picture(sharpness=0.8)
    assert judge(soft, sharp)[0].keeper == "img_1"
    assert judge(sharp, soft)[0].keeper == QUERY


def test_of_the_same_pixels_the_stored_one_stays(judge, a_picture):
    """A BMP is larger than a PNG of the same pixels, and holds no more: no reason to change anything."""
    bmp, png = a_picture(size=900_000, kind="BMP"), a_picture(kind="PNG")
    assert judge(bmp, png, Relation.SAME_PIXELS)[0].keeper == "img_1"
    assert judge(png, bmp, Relation.SAME_PIXELS)[0].keeper == "img_1"


def test_a_jpeg_that_was_saved_losslessly_goes_for_the_jpeg(judge, a_picture):
    """It is larger, and of the better format, and is no source."""
    jpeg = a_picture(size=90_000, compression=0.95, jpeg_quality=95)
    png = a_picture(size=300_000, kind="PNG", compression=1.0, was_lossy=True, earlier_jpeg_quality=95)
    for relation in COPIES:
        assert judge(png, jpeg, relation)[0].keeper == "img_1"
        assert judge(jpeg, png, relation)[0].keeper == QUERY


@pytest.mark.parametrize("quality", [84, 75, 60])
def test_an_original_that_was_saved_twice_does_not_go_for_its_worse_copy(judge, a_picture, quality):
    """Coarse saving hides that the copy was saved before, too: only where both would show it does it count."""
    original = a_picture(jpeg_quality=95, compression=0.95, earlier_jpeg_quality=90)
    copy = a_picture(jpeg_quality=quality, compression=quality / 100)
    for query, stored in ((original, copy), (copy, original)):
        verdict, of_stored = judge(query, stored)
        gone = [query] * (verdict.action is Action.DELETE) + [stored] * (of_stored.action is Action.DELETE)
        assert original not in gone


def test_bytes_of_different_formats_are_not_compared(judge, a_picture):
    """A JPEG with more bytes than a WebP is no better for it; the stored one stays."""
    verdict, _ = judge(a_picture(size=900_000, kind="JPEG"), a_picture(size=100_000, kind="WEBP"))
    assert verdict.keeper == "img_1"


def test_a_lossless_picture_does_not_go_for_coming_late(judge, a_picture):
    """A PNG beside a JPEG of its size may be the source or the JPEG saved anew. A lossy latecomer goes as before."""
    png, jpeg = a_picture(size=900_000, kind="PNG"), a_picture(size=100_000, kind="JPEG")
    assert [about.action for about in judge(png, jpeg)] == [Action.REVIEW, Action.REVIEW]
    assert judge(jpeg, png)[0].keeper == "img_1"


@pytest.mark.parametrize("note", ["alpha_composited", "depth_scaled"])
@pytest.mark.parametrize("relation", COPIES)
def test_what_the_pixels_do_not_show_is_for_a_person_to_judge(judge, a_picture, note, relation):
    """The flattened or shallower copy has the same pixels, and less in it."""
    assert judge(a_picture(notes=(note,)), a_picture(), relation)[0].action is Action.REVIEW
    assert judge(a_picture(), a_picture(notes=(note,)), relation)[0].action is Action.REVIEW
    assert judge(a_picture(notes=(note,)), a_picture(notes=(note,)), relation)[0].action is not Action.REVIEW


def test_a_blurred_or_enlarged_picture_does_not_win_by_its_pixels(judge, a_picture):
    """The smaller is far sharper than scaling down alone would make it."""
    crisp, blown_up = a_picture(1000, 800, sharpness=0.8), a_picture(1050, 840, sharpness=0.8 - MUCH_SHARPER)
    assert judge(crisp, blown_up)[0].action is Action.REVIEW
    assert judge(blown_up, crisp)[0].action is Action.REVIEW


def test_the_query_is_weighed_against_the_best_stored_copy(a_match, a_picture):
    """A thumbnail may be the likeliest match; the original is stored as well, and stays."""
    thumbnail, original = a_match("img_thumbnail", probability=0.99), a_match("img_original", probability=0.97)
    references = {thumbnail.content_id: a_picture(100, 80), original.content_id: a_picture(1000, 800)}
    verdict, judged = recommend(VerdictKind.DUPLICATE, a_picture(300, 240), [thumbnail, original], [], references)
    assert (verdict.action, verdict.keeper) == (Action.DELETE, "img_original")
    assert [match.recommendation for match in judged] == [UNTOUCHED, UNTOUCHED]


def test_a_query_that_beats_one_stored_copy_and_not_the_other_goes_for_that_one(a_match, a_picture):
    """Nothing becomes of the lesser stored copy: it is not the query's to judge."""
    lesser, better = a_match("img_lesser", probability=0.99), a_match("img_better", probability=0.97)
    references = {lesser.content_id: a_picture(500, 400), better.content_id: a_picture(2000, 1600)}
    verdict, judged = recommend(VerdictKind.DUPLICATE, a_picture(1000, 800), [lesser, better], [], references)
    assert verdict.keeper == "img_better"
    assert [match.recommendation for match in judged] == [UNTOUCHED, UNTOUCHED]


def test_where_the_query_stays_each_stored_copy_is_weighed_before_it_may_go(a_match, a_picture):
    """Beaten by pixels is not enough for one that moves, shows through, or is an edit."""
    held = {
        "img_jpeg": (a_picture(2000, 1500), Relation.REENCODED, Action.DELETE),
        "img_animated": (a_picture(400, 300, animated=True), Relation.REENCODED, Action.REVIEW),
        "img_transparent": (a_picture(600, 450, notes=("alpha_composited",)), Relation.REENCODED, Action.REVIEW),
        "img_edited": (a_picture(800, 600), Relation.EDITED, Action.REVIEW),
    }
    copies = [a_match(name, relation=relation) for name, (_, relation, _) in held.items()]
    references = {match.content_id: held[match.image_id][0] for match in copies}
    verdict, judged = recommend(VerdictKind.DUPLICATE, a_picture(4000, 3000), copies, [], references)
    assert verdict.keeper == QUERY
    assert {match.image_id: match.recommendation.action for match in judged} == {
        name: action for name, (_, _, action) in held.items()
    }


def test_more_pixels_count_before_sharpness(judge, a_picture):
    """A smaller rendering is sharper for each pixel without holding more."""
    small_and_sharp, large_and_soft = a_picture(500, 400, sharpness=0.9), a_picture(1000, 800, sharpness=0.7)
    verdict, _ = judge(small_and_sharp, large_and_soft)
    assert verdict.keeper == "img_1"
    assert not any("sharper" in reason.text for reason in verdict.reasons)


@pytest.mark.parametrize("sharpness", [0.5, None])
def test_the_stored_picture_stays_when_nothing_tells_them_apart(judge, a_picture, sharpness):
    """A tie, within the tolerances or with sharpness unknown, is no reason to change anything."""
    query = a_picture(1005, 800, 102_000, sharpness=sharpness and sharpness + 0.05)
    verdict, _ = judge(query, a_picture(sharpness=sharpness))
    assert (verdict.action, verdict.keeper) == (Action.DELETE, "img_1")
    assert "first" in verdict.reasons[-1].text


def test_what_is_not_known_counts_for_neither_and_is_said(judge, a_picture):
    """A number that is unknown is no zero."""
    verdict, _ = judge(a_picture(500, 400, noise=9.0, sharpness=None), a_picture())
    assert verdict.keeper == "img_1"
    said = {reason.text: reason.weight for reason in verdict.reasons}
    assert said["noise is not known of both"] == said["sharpness is not known of both"] == 0.0
    assert not any("noisy" in text for text in said)


def test_what_nearly_cancels_out_is_for_a_person_to_judge(judge, a_picture):
    """Much speaks for the one, and as much for the other."""
    sharp, fine = a_picture(sharpness=0.9, compression=0.675), a_picture(sharpness=0.35, compression=0.9)
    verdict, of_stored = judge(sharp, fine)
    assert (verdict.action, verdict.keeper, verdict.reasons[0].text) == (Action.REVIEW, None, CANCELS_OUT)
    assert of_stored.action is Action.REVIEW


def test_the_very_same_file_may_go_whatever_it_holds(judge, a_picture):
    """Equal bytes need no further look, animated or not."""
    moving = a_picture(animated=True)
    verdict, _ = judge(moving, moving, Relation.IDENTICAL)
    assert (verdict.action, verdict.keeper) == (Action.DELETE, "img_1")
    assert [reason.text for reason in verdict.reasons] == ["the very same file is stored already"]


@pytest.mark.parametrize("moving", ["query", "reference", "both"])
@pytest.mark.parametrize("relation", [*COPIES, Relation.EDITED])
def test_what_moves_is_for_a_person_to_judge(judge, a_picture, moving, relation):
    """Only first frames were compared."""
    query = a_picture(500, 400, animated=moving != "reference")
    reference = a_picture(animated=moving != "query")
    verdict, of_stored = judge(query, reference, relation)
    assert (verdict.action, verdict.keeper) == (Action.REVIEW, None)
    assert of_stored.action is Action.REVIEW


def test_an_edit_is_told_its_keeper_and_left_to_a_person(judge, a_picture):
    """The policy lets no edit go without a look, on either side."""
    small, large = a_picture(500, 400), a_picture(1000, 800)
    verdict, of_stored = judge(small, large, Relation.EDITED)
    assert (verdict.action, verdict.keeper, of_stored) == (Action.REVIEW, "img_1", UNTOUCHED)
    verdict, of_stored = judge(large, small, Relation.EDITED)
    assert (verdict.action, verdict.keeper, of_stored.action) == (Action.KEEP, QUERY, Action.REVIEW)


def test_an_edit_that_nothing_tells_apart_has_no_keeper(judge, a_picture):
    """Which of the two is the source?"""
    verdict, of_stored = judge(a_picture(), a_picture(), Relation.EDITED)
    assert (verdict.action, verdict.keeper, of_stored.action) == (Action.REVIEW, None, Action.REVIEW)


def test_a_policy_may_let_edits_go_or_nothing_at_all(a_match, a_picture):
    """Its list of relations is what counts."""
    small, large = a_picture(500, 400), a_picture(1000, 800)
    for relation in (Relation.EDITED, Relation.REENCODED):
        match = a_match(relation=relation)
        for allowed, action in ((frozenset({relation}), Action.DELETE), (frozenset(), Action.REVIEW)):
            policy = replace(DEFAULT, without_review=allowed)
            verdict, _ = recommend(VerdictKind.DUPLICATE, small, [match], [], {match.content_id: large}, policy)
            assert (verdict.action, verdict.keeper) == (action, "img_1")


@pytest.mark.parametrize("relation", [Relation.IDENTICAL, Relation.SAME_PIXELS, Relation.REENCODED])
def test_what_the_policy_protects_never_goes(a_match, a_picture, relation):
    """Neither the query nor a stored one, however good its copy is."""
    match = a_match(relation=relation)
    small, large = a_picture(500, 400), a_picture(1000, 800)
    about = {match.content_id: large}
    verdict, _ = recommend(VerdictKind.DUPLICATE, small, [match], [], about, DEFAULT, protected={QUERY})
    assert (verdict.action, verdict.keeper) == (Action.KEEP, "img_1")
    about = {match.content_id: small}
    protected = {match.content_id}
    verdict, (judged,) = recommend(VerdictKind.DUPLICATE, large, [match], [], about, DEFAULT, protected=protected)
    assert judged.recommendation == UNTOUCHED


def test_an_uncertain_verdict_is_for_a_person_to_judge(judge, a_picture):
    """However the two compare."""
    verdict, of_stored = judge(a_picture(10, 10), a_picture(), kind=VerdictKind.UNCERTAIN)
    assert (verdict.action, verdict.keeper) == (Action.REVIEW, None)
    assert of_stored.action is Action.REVIEW


def test_a_unique_picture_stays_and_so_do_its_weak_matches(judge, a_picture):
    """Weak matches are shown, and nothing is recommended about them."""
    verdict, of_stored = judge(a_picture(), a_picture(10, 10), Relation.UNRELATED, VerdictKind.UNIQUE)
    assert (verdict.action, verdict.keeper) == (Action.KEEP, QUERY)
    assert of_stored == UNTOUCHED


def test_a_picture_without_matches_stays(a_picture):
    """An empty store has nothing to lose it to."""
    verdict, matches = recommend(VerdictKind.UNIQUE, a_picture(), [], [], {})
    assert (verdict.action, verdict.keeper, matches) == (Action.KEEP, QUERY, ())


def test_weaker_matches_do_not_change_who_stays(a_match, a_picture):
    """Those below the operating point are not weighed; whatever order the others and the rows come in, the answer is one."""
    best = a_match("img_best")
    others = [a_match(f"img_{n}", probability=0.9) for n in range(3)]
    references = {match.content_id: a_picture(10 * n + 9, 10) for n, match in enumerate([best, *others])}
    answers = set()
    for order in itertools.permutations(others):
        known = {match.content_id: references[match.content_id] for match in (*order, best)}
        verdict, judged = recommend(VerdictKind.DUPLICATE, a_picture(), [best], order, known)
        answers.add(verdict)
        assert all(match.recommendation == UNTOUCHED for match in judged[1:])
    assert len(answers) == 1


def test_ids_do_not_decide(a_match, a_picture):
    """Another id changes the keeper's name and nothing else."""
    said = []
    for image_id in ("img_a", "img_z", "zzz"):
        match = a_match(image_id)
        verdict, _ = recommend(VerdictKind.DUPLICATE, a_picture(), [match], [], {match.content_id: a_picture()})
        assert verdict.keeper == image_id
        said.append(replace(verdict, keeper=None))
    assert said[0] == said[1] == said[2]


def test_a_reason_against_the_one_that_stays_has_a_negative_weight(judge, a_picture):
    """The stored picture wins on detail though the query is less noisy."""
    verdict, _ = judge(a_picture(500, 400, noise=0.0), a_picture(1000, 800, noise=5.7))
    weights = {reason.text: reason.weight for reason in verdict.reasons}
    assert weights["the stored picture has 4.0 times the real detail"] == 0.94
    assert weights["the query is less noisy (0 levels against 6)"] == -0.3


class TestChoosing:
    """Who stays of a group, whatever the order."""

    def test_order_names_and_ids_do_not_decide(self, a_picture):
        """All orders of the same pictures keep the same one; equal ones are told apart by their bytes alone."""
        group = [a_picture(1000 + 200 * (n % 3), 800, sha256=str(n) * 64, noise=float(n % 2)) for n in range(5)]
        kept = {order[choose(order, {}, DEFAULT).keeper].facts.sha256 for order in itertools.permutations(group)}
        assert kept == {"2" * 64}

    def test_the_one_that_all_others_are_most_like_stays(self, a_picture):
        """Copies differ from their original each in its own way, and from one another by both."""
        group = [a_picture(sha256=str(n) * 64) for n in (1, 2, 3)]
        likeness = {(0, 1): 0.9, (1, 2): 0.9, (0, 2): 0.8}
        pairs = {key: Pair(alike=alike) for key, alike in likeness.items()}
        choice = choose(group, pairs, DEFAULT)
        assert choice.keeper == 1
        assert [[lead.what for lead in found] for found in choice.leads.values()] == [["centre"], ["centre"]]

    def test_a_pair_counts_the_same_from_either_side(self, a_picture):
        """The crop is told by what it does not show."""
        whole, part = a_picture(sha256="1" * 64), a_picture(sha256="0" * 64)
        for pairs in ({(0, 1): Pair(first_overlap=0.5, second_overlap=1.0)}, {(1, 0): Pair(False, 1.0, 0.5)}):
            choice = choose([whole, part], pairs, DEFAULT)
            assert (choice.keeper, [lead.what for lead in choice.leads[1]]) == (0, ["shows_more"])

    def test_one_picture_alone_stays(self, a_picture):
        """There is nothing to weigh it against."""
        choice = choose([a_picture()], {}, DEFAULT)
        assert (choice.keeper, choice.leads) == (0, {})


sides = st.integers(1, 16_384)
sizes = st.integers(1, 25 * 2**20)
sharpnesses = st.none() | st.floats(0, 1)
sketches = st.tuples(sides, sides, sizes, sharpnesses, st.booleans())


@given(
    query=sketches,
    reference=sketches,
    relation=st.sampled_from(Relation),
    kind=st.sampled_from(VerdictKind),
)
def test_any_two_pictures_get_a_sound_recommendation(judge, a_picture, query, reference, relation, kind):
    """Never an error; the keeper is one of the two or left open, and left open exactly where a person is asked."""
    asked, stored = (
        a_picture(width, height, size, sharpness=sharpness, animated=animated)
        for width, height, size, sharpness, animated in (query, reference)
    )
    verdict, of_stored = judge(asked, stored, relation, kind)
    assert verdict.keeper in (QUERY, "img_1", None)
    if verdict.keeper is None:
        assert (verdict.action, of_stored.action) == (Action.REVIEW, Action.REVIEW)
    if verdict.action is Action.REVIEW:
        assert of_stored.action is not Action.DELETE
    assert verdict.reasons
    assert all(-1 <= reason.weight <= 1 for reason in verdict.reasons)
    assert not (verdict.action is Action.DELETE and of_stored.action is Action.DELETE)


@given(query=sketches, reference=sketches)
def test_every_reason_speaks_for_its_leader(judge, a_picture, query, reference):
    """Positive where the leader it names is the one that stays, negative where it is not, and never 0."""
    asked, stored = (
        a_picture(width, height, size, sharpness=sharp) for width, height, size, sharp, _ in (query, reference)
    )
    verdict, _ = judge(asked, stored)
    assume(verdict.action is not Action.REVIEW)
    staying = "the query" if verdict.keeper == QUERY else "the stored picture"
    led = [reason for reason in verdict.reasons if reason.text.startswith(("the query", "the stored"))]
    assert all((reason.weight > 0) == reason.text.startswith(staying) and reason.weight for reason in led)


@given(one=sketches, other=sketches, relation=st.sampled_from(COPIES))
def test_the_same_picture_stays_whichever_came_first(judge, a_picture, one, other, relation):
    """Asked the other way round, the rule keeps the same one, or, where they tie, the stored one both times."""
    left, right = (a_picture(width, height, size, sharpness=sharp) for width, height, size, sharp, _ in (one, other))
    assume(judge(left, right, relation)[0].action is not Action.REVIEW)
    there = judge(left, right, relation)[0].keeper == QUERY
    back = judge(right, left, relation)[0].keeper == QUERY
    assert not (there and back)
    if not there and not back:
        assert any("first" in reason.text for reason in judge(left, right, relation)[0].reasons)

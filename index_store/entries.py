"""What every back end checks before it writes, and how JSON is spelled. Pure functions, so the twins cannot differ."""

import base64
import json
import re
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from index_store.description_records import Description
from index_store.errors import BadCursorError, BadEntryError, BadTransitionError, KeeperGoneError
from index_store.job_records import IdempotentAnswer, JobItemOutcome, NewJob
from index_store.person_records import NewPerson, Person
from index_store.policy_records import NewPolicy
from index_store.records import Box, Content, HandIn, Image, NewVector
from index_store.removal_records import NewRemoval, RemovalItemOutcome

IMAGES_SHOWN = 16
"""How many images of one content are named; the rest are only counted."""
EXACT_SHOWN = 64
"""How many contents of the same bytes or pixels are named."""
MADE_FINDABLE = ("stored", "restored", "revived")
"""The kinds of change after which vectors are found that were not before."""
TOOK_AN_IMAGE = ("removed", "withdrawn")
"""The kinds of change after which a content has one active image fewer."""
OF_NO_IMAGE = ("described", "forgotten")
"""The kinds of change by which no image came or went. Every other kind adds one."""
COULD_CHANGE_A_VERDICT = (*MADE_FINDABLE, "removed", "withdrawn")
"""The kinds of change that make an older search stale: a newcomer may match, and what matched may have gone."""

PROVED_COPIES = ("edited", "reencoded")
"""Relations of a proof by which two contents show one picture. Equal bytes and equal pixels are read off the rows."""
COPIES = ("same_pixels", *PROVED_COPIES)
"""The same, with equal pixels as they were told when the later one came."""
POLICY_CHARACTERS = 63

_HEX64 = re.compile(r"[0-9a-f]{64}")
_PHASH_BYTES = 32
_HASH_DIGITS = 64
_KEY_CHARACTERS = 255
PERSON_CHARACTERS = 512
"""Of a person's id: an ordered index of PostgreSQL takes so many in any script."""
_CURSOR = re.compile(r"[1-9][0-9]{0,17}")


def check_hand_in(entry: HandIn) -> None:
    """Refuse, with `BadEntryError`, an entry that could not be told or compared later."""
    _require(is_hash(entry.content_id), "content_id must be 64 lower-case hex digits")
    if entry.content is not None:
        _check_content(entry.content, entry.content_id)
    _require(entry.content is not None or not entry.vectors, "vectors come with their content")
    places = [(vector.space_id, vector.ordinal) for vector in entry.vectors]
    _require(len(set(places)) == len(places), "two vectors have the same space and ordinal")
    for vector in entry.vectors:
        _check_vector(vector)
    _require(0.0 <= entry.probability <= 1.0, "probability must lie between 0 and 1")
    if entry.person_id is not None:
        _check_person_id(entry.person_id)
    for text in (entry.image_id, entry.external_id, entry.verdict, entry.relation):
        _require(text is None or could_be_stored(text), "text holds characters that cannot be stored")
    for document in (entry.metadata, entry.verdict_block, *(match.evidence for match in entry.matches)):
        check_json(document)


def forgives(compared_with: Collection[str], kind: str, content_id: str) -> bool:
    """Whether a verdict that was compared with these contents stands after such a change of that content."""
    return kind in MADE_FINDABLE and content_id in compared_with


def check_person(person: NewPerson | Person) -> None:
    """Refuse, with `BadEntryError`, a person that could not be told of later."""
    _check_person_id(person.person_id)
    _require(person.name is None or could_be_stored(person.name), "the name holds characters that cannot be stored")
    check_json(person.metadata)


def _check_person_id(person_id: str) -> None:
    fits = 0 < len(person_id) <= PERSON_CHARACTERS and could_be_stored(person_id)
    _require(fits, f"a person's id has 1 to {PERSON_CHARACTERS} characters that can be stored")


def check_policy(policy: NewPolicy) -> None:
    """Refuse, with `BadEntryError`, a policy that could not be told of later."""
    fits = 0 < len(policy.name) <= POLICY_CHARACTERS and could_be_stored(policy.name)
    _require(fits, f"a policy's name has 1 to {POLICY_CHARACTERS} characters that can be stored")
    check_json(policy.document)


def check_is_new(person_id: str, *, known: bool) -> None:
    """Refuse, with `BadTransitionError`, a person that is there already."""
    if known:
        raise BadTransitionError(f"There is a person {person_id} already.")


def check_person_can_go(person: Person) -> None:
    """Refuse, with `BadTransitionError`, to forget whose images these are."""
    if person.images:
        raise BadTransitionError(f"Person {person.person_id} has {person.images} images; remove them first.")


def check_keeper(image: Image, keeper: Image) -> None:
    """Refuse, with `KeeperGoneError`, to let an image go for another one's sake unless both are there."""
    if image.image_id == keeper.image_id:
        raise KeeperGoneError(f"image {image.image_id} cannot go for its own sake")
    for one in (keeper, image):
        if one.state != "active":
            raise KeeperGoneError(f"image {one.image_id} is {one.state}")


def check_can_return(image: Image) -> None:
    _require(image.state == "removed", f"image {image.image_id} is {image.state} and cannot come back")


def check_dimensions(entry: HandIn, dimensions: Mapping[int, int]) -> None:
    """Refuse a vector of an unknown space or of another length than its space's."""
    for vector in entry.vectors:
        expected = dimensions.get(vector.space_id)
        _require(expected is not None, f"there is no space {vector.space_id}")
        _check_shape(vector, expected)


def _check_shape(vector: NewVector, dimension: int | None) -> None:
    _require(
        vector.values.shape == (dimension,),
        f"a vector of space {vector.space_id} has shape {vector.values.shape}, not ({dimension},)",
    )


def check_description(description: Description, dimensions: Mapping[int, int]) -> None:
    """Refuse, with `BadEntryError`, vectors that could not be told or compared later."""
    _require(is_hash(description.content_id), "content_id must be 64 lower-case hex digits")
    _require(description.space_id in dimensions, f"there is no space {description.space_id}")
    ordinals = [vector.ordinal for vector in description.vectors]
    _require(ordinals == [*range(len(ordinals))], "vectors are numbered from 0")
    for vector in description.vectors:
        _require(vector.space_id == description.space_id, "a description is of one space")
        _check_vector(vector)
        _check_shape(vector, dimensions[description.space_id])
        _require(vector.box is None or _is_box(vector.box), "a box is left, top, right and bottom as shares")


def _is_box(box: Box) -> bool:
    left, top, right, bottom = box
    return 0.0 <= left < right <= 1.0 and 0.0 <= top < bottom <= 1.0


def check_also(also: IdempotentAnswer | JobItemOutcome | RemovalItemOutcome) -> None:
    if isinstance(also, IdempotentAnswer):
        check_answer(also)
    elif isinstance(also, RemovalItemOutcome):
        check_json(also.outcome.problem or {})
    else:
        check_outcome(also)


def check_answer(answer: IdempotentAnswer) -> None:
    _require(0 < len(answer.key) <= _KEY_CHARACTERS, f"an idempotency key has 1 to {_KEY_CHARACTERS} characters")
    _require(could_be_stored(answer.key), "text holds characters that cannot be stored")
    _require(is_hash(answer.payload_digest), "a payload is told by its SHA-256")
    for document in (answer.body, answer.headers):
        check_json(document)


def check_outcome(outcome: JobItemOutcome) -> None:
    _require(outcome.state != "pending", "an outcome is not pending")
    _require(outcome.ordinal >= 0, "items are numbered from 0")
    for text in (outcome.outcome, outcome.name):
        _require(text is None or could_be_stored(text), "text holds characters that cannot be stored")
    check_json(outcome.problem or {})


def check_job(new: NewJob) -> None:
    for text in (new.kind, new.created_by or "", *new.names):
        _require(could_be_stored(text), "text holds characters that cannot be stored")
    check_json(new.request)


def check_removal(new: NewRemoval) -> None:
    _require(is_hash(new.plan_hash), "a plan is told by its SHA-256")
    for text in (new.kind, new.created_by or ""):
        _require(could_be_stored(text), "text holds characters that cannot be stored")
    for document in (new.request, *(part for item in new.items for part in (item.loser, item.keeper, item.why))):
        check_json(document)


def _check_content(content: Content, content_id: str) -> None:
    _require(content.sha256 == content_id, "content_id is not the content's SHA-256")
    _require(len(content.phash) == _PHASH_BYTES, "a perceptual hash has 256 bits")
    for document in (content.facts, content.quality, content.authenticity):
        check_json(document)


def _check_vector(vector: NewVector) -> None:
    """A NaN or zero vector is a model's failure: it would match everything or nothing, for ever."""
    _require(vector.values.dtype == np.float16, "a vector is stored as float16")
    _require(bool(np.isfinite(vector.values).all() and vector.values.any()), "a vector must be finite and not zero")


def is_hash(text: str) -> bool:
    return _HEX64.fullmatch(text) is not None


def check_json(document: Mapping[str, Any]) -> None:
    try:
        dump_json(document)
    except (TypeError, ValueError, RecursionError) as error:
        raise BadEntryError(f"not a JSON object: {error}") from error


def dump_json(value: object) -> str:
    """Compact JSON. `ValueError` for NaN and infinities, which JSON has no word for and SQLite's functions choke on."""
    return json.dumps(value, allow_nan=False, separators=(",", ":"), default=_plain)


def _plain(value: object) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def cursor_at(sequence: int) -> str:
    """An opaque word for 'after the image of this sequence'."""
    return base64.urlsafe_b64encode(str(sequence).encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> int:
    """The sequence in a cursor. Raises `BadCursorError` for anything `cursor_at` did not write."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except ValueError as error:
        raise BadCursorError from error
    if _CURSOR.fullmatch(text) is None or cursor_at(int(text)) != cursor:
        raise BadCursorError
    return int(text)


def pair_cursor(first: str, second: str) -> str:
    """An opaque word for 'after this pair of hashes'."""
    return base64.urlsafe_b64encode(bytes.fromhex(first + second)).decode().rstrip("=")


def read_pair_cursor(cursor: str) -> tuple[str, str]:
    """The two hashes in a cursor. Raises `BadCursorError` for anything `pair_cursor` did not write."""
    try:
        pair = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).hex()
    except ValueError as error:
        raise BadCursorError from error
    first, second = pair[:_HASH_DIGITS], pair[_HASH_DIGITS:]
    if not (is_hash(first) and is_hash(second)) or pair_cursor(first, second) != cursor:
        raise BadCursorError
    return first, second


def could_be_stored(text: str) -> bool:
    """Whether it is Unicode without NUL, which PostgreSQL has no room for; what is not cannot be found either."""
    if "\0" in text:
        return False
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _require(holds: bool, reason: str) -> None:
    if not holds:
        raise BadEntryError(reason)

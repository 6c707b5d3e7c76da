"""What every keeper of answers must do."""

# ruff: noqa: S101 - a contract suite is tests: their names tell, they assert, and they expect literals

from contextlib import AbstractContextManager
from dataclasses import replace

from index_store.catalogue.protocol import Answers
from index_store.errors import BadEntryError, KeyReusedError
from index_store.ids import now
from index_store.job_records import Begun, IdempotentAnswer, InProgress
from index_store.testing.samples import a_hash, refused

_ANSWER = IdempotentAnswer("key_1", "mine", a_hash("payload"), 202, {"job_id": "job_1"}, {"Location": "/jobs/job_1"})


class AnswersContract:
    """Subclass it, and say how to open an empty keeper and how to close it."""

    def opened_answers(self) -> AbstractContextManager[Answers]:
        raise NotImplementedError

    def test_the_first_request_works_and_the_others_wait_for_its_answer(self) -> None:
        with self.opened_answers() as answers:
            assert answers.begin("key_1", "mine", a_hash("payload")) == Begun()
            assert isinstance(answers.begin("key_1", "mine", a_hash("payload")), InProgress)
            assert answers.finish(_ANSWER) == _ANSWER
            assert answers.begin("key_1", "mine", a_hash("payload")) == _ANSWER

    def test_the_first_answer_stands(self) -> None:
        with self.opened_answers() as answers:
            answers.finish(_ANSWER)
            assert answers.finish(replace(_ANSWER, status=500)) == _ANSWER

    def test_a_key_with_another_payload_is_refused(self) -> None:
        with self.opened_answers() as answers:
            answers.begin("key_1", "mine", a_hash("payload"))
            with refused(KeyReusedError):
                answers.begin("key_1", "mine", a_hash("another"))
            with refused(KeyReusedError):
                answers.finish(replace(_ANSWER, payload_digest=a_hash("another")))

    def test_clients_do_not_meet_in_a_key(self) -> None:
        with self.opened_answers() as answers:
            answers.finish(_ANSWER)
            assert answers.begin("key_2", "mine", a_hash("another")) == Begun()

    def test_a_key_given_back_may_be_claimed_again_and_an_answer_is_never_given_back(self) -> None:
        with self.opened_answers() as answers:
            answers.begin("key_1", "mine", a_hash("payload"))
            answers.abandon("key_1", "mine")
            assert answers.begin("key_1", "mine", a_hash("payload")) == Begun()
            answers.finish(_ANSWER)
            answers.abandon("key_1", "mine")
            assert answers.begin("key_1", "mine", a_hash("payload")) == _ANSWER

    def test_a_key_left_behind_may_be_claimed_anew(self) -> None:
        with self.opened_answers() as answers:
            answers.begin("key_1", "mine", a_hash("payload"))
            assert answers.begin("key_1", "mine", a_hash("payload"), left_behind="9999") == Begun()

    def test_old_keys_are_forgotten(self) -> None:
        with self.opened_answers() as answers:
            before = now()
            answers.finish(_ANSWER)
            assert answers.forget_before(before) == 0
            assert answers.forget_before("9999") == 1
            assert answers.begin("key_1", "mine", a_hash("another")) == Begun()

    def test_keys_that_cannot_be_stored_are_refused(self) -> None:
        with self.opened_answers() as answers:
            for key, digest in [("", a_hash("a")), ("k" * 256, a_hash("a")), ("\0", a_hash("a")), ("mine", "short")]:
                with refused(BadEntryError):
                    answers.begin("key_1", key, digest)

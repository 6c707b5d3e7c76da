"""Around a request: what its client is told when the server will wait for it no longer."""

import asyncio
import json

import pytest

from service.api.bodies import Intake
from service.api.context import RequestContext
from service.api.metrics import Metrics

SCOPE = {"type": "http", "method": "POST", "path": "/images", "headers": [], "query_string": b""}


@pytest.fixture
def cut_off():
    """What is sent when the request is cancelled, as the server does at the end of its patience."""

    def run(app):
        sent = []

        async def send(message):
            sent.append(message)

        async def story():
            handled = RequestContext(app, Metrics(), Intake(1))(dict(SCOPE), None, send)
            request = asyncio.create_task(handled)
            await asyncio.sleep(0)
            request.cancel()
            await asyncio.gather(request, return_exceptions=True)

        asyncio.run(story())
        return sent

    return run


def test_a_request_cut_off_at_the_end_is_told_to_ask_again(cut_off):
    """503 with Retry-After, as a problem; not whatever the server says of a crash."""

    async def slow(*_):
        await asyncio.sleep(60)

    start, body = cut_off(slow)
    headers = dict(start["headers"])
    assert (start["status"], headers[b"content-type"]) == (503, b"application/problem+json")
    assert int(headers[b"retry-after"]) > 0
    assert json.loads(body["body"])["type"] == "/problems/overloaded"


def test_an_answer_that_has_begun_is_cut_short(cut_off):
    """There is no taking back its status."""

    async def streaming(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.sleep(60)

    [start] = cut_off(streaming)
    assert start["status"] == 200

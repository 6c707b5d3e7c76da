"""What Prometheus reads at `/metrics`: base units, `keepone_` in front, labels of few values only."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

if TYPE_CHECKING:
    from service.wiring import Parts

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
COUNT_SECONDS = 30.0
"""How old the number of images may be."""
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class Metrics:
    """The instruments of one API process."""

    def __init__(self) -> None:
        self._count_again = 0.0
        self._registry = CollectorRegistry()
        registry = self._registry
        self._requests = Counter(
            "keepone_requests_total", "Requests answered.", ["method", "route", "status"], registry=registry
        )
        self._seconds = Histogram(
            "keepone_request_seconds", "Time to answer.", ["route"], buckets=_SECONDS, registry=registry
        )
        self._verdicts = Counter("keepone_verdicts_total", "Verdicts given.", ["verdict"], registry=registry)
        self._head = Gauge("keepone_log_head", "Sequence of the last change committed.", registry=registry)
        self._sequence = Gauge("keepone_index_sequence", "Sequence the index has read up to.", registry=registry)
        self._size = Gauge("keepone_index_vectors", "Vectors that can be found.", registry=registry)
        self._images = Gauge("keepone_images", "Active images.", registry=registry)
        self._children = Gauge("keepone_decoder_children", "Decoding child processes alive.", registry=registry)
        self._replaced = Gauge("keepone_decoder_replaced", "Decoding children lost and replaced.", registry=registry)
        self._budget = Gauge("keepone_decoder_bytes", "Bytes reserved for decoding here.", registry=registry)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request. A client's own words never become a label."""
        self._requests.labels(method if method in _METHODS else "other", route, status).inc()
        self._seconds.labels(route).observe(seconds)

    def verdict(self, kind: str) -> None:
        self._verdicts.labels(kind).inc()

    def render(self, parts: Parts) -> bytes:
        """The text format, gauges read now."""
        decoders = parts.pool.stats()
        self._head.set(parts.catalogue.head())
        self._sequence.set(parts.follower.index.sequence)
        self._size.set(parts.follower.index.size)
        self._count_images(parts)
        self._children.set(decoders.children)
        self._replaced.set(decoders.replaced_total)
        self._budget.set(decoders.budget_bytes_in_use)
        return generate_latest(self._registry)

    def _count_images(self, parts: Parts) -> None:
        """Now and then: it takes a look at every image's place in an index."""
        now = time.monotonic()
        if now >= self._count_again:
            self._count_again = now + COUNT_SECONDS
            self._images.set(parts.catalogue.stats().images)

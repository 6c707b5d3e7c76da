"""What is asked of the catalogue to answer a scrape."""

from types import SimpleNamespace

from service.api import metrics


def test_images_are_counted_now_and_then_and_not_at_every_scrape(monkeypatch):
    """A count of a million takes its time, and Prometheus asks every few seconds."""
    counted = []
    parts = SimpleNamespace(
        pool=SimpleNamespace(stats=lambda: SimpleNamespace(children=1, replaced_total=0, budget_bytes_in_use=0)),
        catalogue=SimpleNamespace(head=lambda: 5, stats=lambda: counted.append(1) or SimpleNamespace(images=3)),
        follower=SimpleNamespace(index=SimpleNamespace(sequence=5, size=3)),
    )
    instruments = metrics.Metrics()
    assert b"keepone_images 3.0" in instruments.render(parts)
    assert b"keepone_images 3.0" in instruments.render(parts)
    assert len(counted) == 1
    monkeypatch.setattr(metrics.time, "monotonic", lambda: instruments._count_again)
    instruments.render(parts)
    assert len(counted) == 2

"""What Prometheus reads, and what a load balancer asks."""

import pytest
from prometheus_client.parser import text_string_to_metric_families


@pytest.fixture
def families(client, pictures):
    """What is counted after a few requests of several kinds."""
    made = client.post("/images", files={"file": pictures.jpeg(1)}).json()
    client.get(f"/images/{made['image_id']}")
    client.get("/images/img_unknown")
    client.get("/no/such/path")
    client.request("BREW", "/images")
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert made["image_id"] not in answer.text
    return {family.name: family for family in text_string_to_metric_families(answer.text)}


def test_every_metric_is_ours_and_says_what_it_is(families):
    """One prefix, a help text, base units."""
    assert len(families) >= 8
    assert all(name.startswith("keepone_") and family.documentation for name, family in families.items())
    assert not [name for name in families if name.endswith(("_ms", "_mb", "_percent"))]


def test_labels_have_few_values(families):
    """Routes as templates, never an id, a path or a method of a client's own."""
    labels = {
        (name, value)
        for family in families.values()
        for sample in family.samples
        for name, value in sample.labels.items()
    }
    assert {name for name, _ in labels} <= {"method", "route", "status", "verdict", "le"}
    assert ("route", "/images/{image_id}") in labels
    assert {value for name, value in labels if name == "method"} <= {"GET", "POST", "other"}
    assert not [value for _, value in labels if "img_" in value or "no/such" in value]


def test_requests_and_verdicts_are_counted(client, pictures):
    """One more of each for each."""

    def count(name, **labels):
        found = text_string_to_metric_families(client.get("/metrics").text)
        samples = [sample for family in found for sample in family.samples if sample.name == name]
        return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())

    verdicts = count("keepone_verdicts_total", verdict="unique")
    requests = count("keepone_requests_total", route="/check-duplicate", status="200", method="POST")
    client.post("/check-duplicate", files={"file": pictures.jpeg(30)})
    assert count("keepone_verdicts_total", verdict="unique") == verdicts + 1
    assert count("keepone_requests_total", route="/check-duplicate", status="200", method="POST") == requests + 1


@pytest.mark.parametrize(("path", "status"), [("/live", "live"), ("/ready", "ready")])
def test_health_says_one_word(client, document, path, status):
    """As documented."""
    answer = client.get(path).json()
    assert answer == {"status": status}
    assert document.departures(answer, "GET", path, 200) == []

"""The document and the service say the same."""

from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent.parent


def references(node):
    if isinstance(node, dict):
        yield from ([node["$ref"]] if isinstance(node.get("$ref"), str) else [])
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from references(item)


def test_the_service_sends_the_document_of_the_repository(client):
    """`/openapi.json` is openapi.yaml."""
    assert client.get("/openapi.json").json() == yaml.safe_load((ROOT / "openapi.yaml").read_text(encoding="utf-8"))


def test_every_reference_leads_somewhere(document):
    """A dangling one makes a client generator stumble."""
    known = {f"#/components/schemas/{name}" for name in document.document["components"]["schemas"]}
    named = set(references(document.document))
    assert named
    assert named <= known


def test_every_error_is_documented_as_a_problem(document):
    """On every route."""
    for method, path, operation in document.operations():
        errors = {status: said for status, said in operation["responses"].items() if status >= "400"}
        assert "500" in errors, (method, path)
        assert all(list(said["content"]) == ["application/problem+json"] for said in errors.values()), (method, path)


def test_links_lead_from_an_image_handed_in_to_what_can_be_asked_of_it(document):
    """Each names an operation that exists."""
    known = {operation["operationId"] for _, _, operation in document.operations()}
    links = document.paths["/images"]["post"]["responses"]["201"]["links"]
    led_to = {link["operationId"] for link in links.values()}
    assert led_to == {"get_image", "get_content", "get_thumbnail", "remove_image"}
    assert led_to <= known

"""The API page: Swagger UI from our own files, under the same policy as the first page."""

from __future__ import annotations

from playwright.sync_api import expect


def test_the_docs_list_the_operations_and_run_one(visit):
    """GET /stats is executed from the page and answers 200, and no other host hears of it."""
    page = visit.open("/docs")
    operation = page.locator(".opblock-get", has=page.locator("[data-path='/stats']"))
    expect(operation).to_be_visible()
    assert page.locator(".opblock").count() > 1

    operation.locator("button.opblock-summary-control").click()
    operation.get_by_role("button", name="Execute").click()
    status = operation.locator(".live-responses-table tbody .response-col_status").first
    expect(status).to_contain_text("200")
    assert visit.complaints == []


def test_the_docs_page_forbids_what_it_does_not_need(visit):
    """No inline script or style and no other origin: the policy says so, and the page works under it."""
    page = visit.open("/docs")
    expect(page.locator(".opblock").first).to_be_visible()
    policy = page.evaluate("fetch('/docs').then((answer) => answer.headers.get('content-security-policy'))")
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert visit.complaints == []

"""The first page, as a person uses it. Each test draws pictures of its own: the collection is shared."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

HOSTILE = "<img src=x onerror=window.pwned=1>.jpg"


def check(visit, name, data):
    """Drop one picture and wait for its verdict."""
    visit.drop((name, data))
    badge = visit.page.locator("#detail .summary .badge")
    expect(badge).to_be_visible()
    return badge


def add(page):
    page.get_by_role("button", name="Add to the collection").click()
    expect(page.locator("#detail .outcome")).to_contain_text(re.compile("Stored|Added as a reference"))


def shown_widths(page):
    """The natural width of every picture in the comparison, 0 for one that did not load."""
    return page.locator("#detail .pair img").evaluate_all(
        """async (all) => {
          await Promise.all(all.map((one) => one.decode()));
          return all.map((one) => one.naturalWidth);
        }"""
    )


def test_a_new_picture_is_unique_and_its_smaller_copy_a_duplicate(visit, pictures):
    """The story of the page: unknown, added, then found again at half the size in another quality."""
    scene = pictures.scene(101)
    page = visit.open("/")
    before = page.locator("#stats dd").first
    expect(before).to_be_visible()
    known = int(before.inner_text().replace(",", ""))

    expect(check(visit, "first.jpg", pictures.jpeg(scene))).to_have_text("Unique")
    add(page)
    expect(page.locator("#stats dd").first).to_have_text(str(known + 1))

    half = pictures.jpeg(scene.resize((scene.width // 2, scene.height // 2)), quality=70)
    visit.drop(("half.jpg", half))
    expect(page.locator("#detail .summary .badge")).to_have_text("Duplicate")
    expect(page.locator("#detail figcaption strong")).to_have_text(["half.jpg", "first.jpg"])
    assert min(shown_widths(page)) > 0
    assert visit.complaints == []


def test_what_changed_is_shown_as_a_map(visit, pictures):
    """Asked for when it is first looked at, and drawn without a picture of anybody else's host."""
    scene = pictures.scene(111)
    page = visit.open("/")
    check(visit, "whole.jpg", pictures.jpeg(scene))
    add(page)
    visit.drop(("half.jpg", pictures.jpeg(scene.resize((scene.width // 2, scene.height // 2)), quality=70)))
    expect(page.locator("#detail .summary .badge")).to_have_text("Duplicate")
    changes = page.locator("#detail .changes")
    expect(changes).to_be_hidden()
    page.get_by_role("button", name="Changes").click()
    expect(changes.locator("img")).to_be_visible()
    assert changes.locator("img").evaluate("async (one) => { await one.decode(); return one.naturalWidth; }") > 100
    page.get_by_role("button", name="Side by side").click()
    expect(changes).to_be_hidden()
    assert visit.complaints == []


def test_many_dropped_pictures_are_listed_and_open_on_a_click(visit, pictures):
    """Each gets a row with its verdict; the row opens the detail."""
    page = visit.open("/")
    visit.drop(*((f"many-{seed}.jpg", pictures.jpeg(pictures.scene(seed))) for seed in (201, 202, 203)))
    rows = page.locator("#rows .row")
    expect(rows).to_have_count(3)
    expect(rows.locator(".badge")).to_have_text(["Unique", "Unique", "Unique"])

    rows.nth(2).click()
    expect(page.locator("#detail figcaption strong").first).to_have_text("many-203.jpg")
    assert visit.complaints == []


def test_a_pasted_picture_is_checked(visit, pictures):
    """The clipboard is a way in like the others."""
    page = visit.open("/")
    visit.paste("pasted.jpg", pictures.jpeg(pictures.scene(251)))
    expect(page.locator("#detail .summary .badge")).to_have_text("Unique")
    assert visit.complaints == []


def test_the_verdict_is_announced(visit, pictures):
    """Who cannot see the badge hears the verdict, its odds and the advice."""
    page = visit.open("/")
    check(visit, "heard.jpg", pictures.jpeg(pictures.scene(261)))
    expect(page.get_by_role("status").first).to_contain_text("heard.jpg: Unique.")


def test_a_file_that_is_no_picture_shows_the_problem_and_stays(visit):
    """Title and request id of the problem are readable, and the file can be tried again."""
    page = visit.open("/")
    visit.drop(("not-a-picture.jpg", b"words, not pixels"))
    problem = page.locator("#detail .problem-card")
    expect(problem).to_be_visible()
    expect(problem.locator("code")).not_to_be_empty()
    expect(page.get_by_role("button", name="Try again")).to_be_visible()


def test_a_hostile_file_name_is_only_text(visit, pictures):
    """As a query, in the list and as the name of a match, markup in a file name runs nothing."""
    scene = pictures.scene(301)
    page = visit.open("/")
    check(visit, HOSTILE, pictures.jpeg(scene))
    add(page)
    visit.drop(
        (HOSTILE, pictures.jpeg(scene, quality=80)), ("plain.jpg", pictures.jpeg(scene.resize((480, 360)), quality=80))
    )
    expect(page.locator("#rows .row .badge")).to_have_text(["Unique", "Duplicate", "Duplicate"])
    page.locator("#rows .row").nth(2).click()
    expect(page.locator("#detail figcaption strong")).to_have_text(["plain.jpg", HOSTILE])

    assert page.evaluate("window.pwned") is None
    assert page.locator("img[src=x]").count() == 0
    assert visit.complaints == []


@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_never_scrolls_sideways(visit, pictures, width):
    """On the narrowest phone as on a desk, empty and with a verdict."""
    page = visit.open("/")
    page.set_viewport_size({"width": width, "height": 780})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    check(visit, "a-rather-long-file-name-as-cameras-and-people-make-them.jpg", pictures.jpeg(pictures.scene(401)))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert visit.complaints == []


def test_a_lost_connection_loses_no_picture(visit, pictures):
    """The chosen picture is still there when the service is, and one press checks it."""
    page = visit.open("/")
    expect(page.locator("#stats dd").first).to_be_visible()
    page.route("**/check-duplicate**", lambda route: route.abort())
    visit.drop(("kept.jpg", pictures.jpeg(pictures.scene(501))))
    expect(page.locator("#detail .problem-card")).to_contain_text("cannot be reached")

    page.unroute("**/check-duplicate**")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#detail .summary .badge")).to_have_text("Unique")

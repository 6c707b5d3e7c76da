"""Every link in the texts leads somewhere: to a file of the repository, and to a heading that is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
OUTSIDE = re.compile(r"[a-z]+:")


def prose(page):
    """The text without fenced blocks and inline code, where brackets are no links."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`", "", text)


def anchors(page):
    """The anchors of a page's headings, as code hosts make them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#{1,6} (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_resolve(page):
    """A renamed page or heading is noticed here, not by a reader."""
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if OUTSIDE.match(target):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.is_relative_to(ROOT), target
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_to_outside_are_encrypted(page):
    """The texts stand by themselves; what they point to outside is reached over HTTPS."""
    outside = [target for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)) if OUTSIDE.match(target)]
    assert all(target.startswith("https://") for target in outside)


def test_every_page_is_listed_in_the_index():
    """A page that the index does not name is found by nobody."""
    index = ROOT / "docs" / "README.md"
    listed = {(index.parent / target).resolve() for target in re.findall(r"\]\(([^)#\s]+)\)", prose(index))}
    assert {page for page in PAGES if page.is_relative_to(ROOT / "docs")} - {index} == listed

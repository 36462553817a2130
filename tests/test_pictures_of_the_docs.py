"""The pictures that are checked in are those that their script draws today."""

import re

import pytest

from tests.scripts import ROOT, script

make_pictures = script("docs/make_pictures.py")


@pytest.mark.parametrize("name", make_pictures.PICTURES)
def test_no_picture_is_stale(name):
    """After a deliberate change: run `python docs/make_pictures.py`, and look at the pictures before committing."""
    text = (ROOT / "docs" / "images" / name).read_text(encoding="utf-8")
    assert text == make_pictures.PICTURES[name](), f"{name} is stale: run python docs/make_pictures.py"


def test_every_file_among_the_pictures_comes_from_the_script():
    assert {path.name for path in (ROOT / "docs" / "images").iterdir()} == set(make_pictures.PICTURES)


def test_every_picture_that_a_page_shows_is_there():
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    shown = [
        (page, target)
        for page in pages
        for target in re.findall(r"!\[[^]]*\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    ]
    assert shown
    assert [f"{page.name}: {target}" for page, target in shown if not (page.parent / target).is_file()] == []


def test_the_picture_of_the_readme_fits_beside_its_text():
    """GitHub shows a README some 830 pixels wide; a wider picture shrinks until nobody can read it."""
    width = re.search(r'width="([\d.]+)"', make_pictures.backward())
    assert width is not None
    assert float(width[1]) < 950

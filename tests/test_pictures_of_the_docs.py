"""The pictures that are checked in are those that their script draws today."""

import re

import pytest

import viz
from tests.scripts import ROOT, script

make_pictures = script("docs/make_pictures.py")
IMAGES = ROOT / "docs" / "images"


@pytest.mark.parametrize("name", make_pictures.PICTURES)
def test_no_picture_is_stale(name):
    """After a deliberate change: run `python docs/make_pictures.py`, and look at the pictures before committing."""
    text = (ROOT / "docs" / "images" / name).read_text(encoding="utf-8")
    assert text == make_pictures.PICTURES[name](), f"{name} is stale: run python docs/make_pictures.py"


@pytest.mark.parametrize("name", make_pictures.SCREENSHOTS)
def test_every_screenshot_is_of_the_page_as_it_is(name):
    """Browsers differ, so what is compared is the page that was photographed, which the file notes."""
    page, _ = make_pictures.SCREENSHOTS[name]
    taken_of = make_pictures.page_of((IMAGES / name).read_bytes())
    assert taken_of == make_pictures.sha256(IMAGES / page), f"{name} is stale: run python docs/make_pictures.py"


@pytest.mark.slow
@pytest.mark.parametrize("name", make_pictures.PLOTS)
def test_no_curve_is_stale(name, tmp_path):
    """Positions are compared in points: processors may differ in the last digits of a training."""
    pytest.importorskip("matplotlib", reason="needs matplotlib")
    if name == "minimizers.svg":
        pytest.importorskip("scipy", reason="needs SciPy")
    viz.save(make_pictures.PLOTS[name](), tmp_path / name)
    drawn, kept = ((folder / name).read_text(encoding="utf-8") for folder in (tmp_path, IMAGES))
    made_by = re.compile(r"Matplotlib v(\d+\.\d+)")
    if made_by.findall(drawn) != made_by.findall(kept):
        pytest.skip("it was drawn by another version of matplotlib")
    (words, numbers), (words_kept, numbers_kept) = (_words_and_numbers(text) for text in (drawn, kept))
    assert words == words_kept
    if name == "minimizers.svg":  # late iterations of an optimiser may take another way after another last digit
        near = sum(abs(a - b) <= 2.0 for a, b in zip(numbers, numbers_kept, strict=True))
        assert near >= 0.95 * len(numbers)
    else:
        assert numbers == pytest.approx(numbers_kept, abs=0.1)


def _words_and_numbers(text):
    """Return the text between the numbers of an SVG file, without pixels, and the numbers."""
    text = re.sub(r"base64,[^\"]*", "", re.sub(r"Matplotlib v[\d.]+", "", text))
    number = r"-?\d+\.\d+"
    return re.split(number, text), [float(found) for found in re.findall(number, text)]


def test_every_file_among_the_pictures_comes_from_the_script():
    made = {*make_pictures.PICTURES, *make_pictures.PLOTS, *make_pictures.SCREENSHOTS}
    assert {path.name for path in IMAGES.iterdir()} == made


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

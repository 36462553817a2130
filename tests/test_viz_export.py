"""PNG and PDF by typst show what the SVG shows."""

import io
import re
import shutil
import subprocess
import time
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import nn
import viz
import viz.export
from autograd import Value, affine, tanh
from tests.drawn import texts
from tests.hostile import HOSTILE
from viz import palette
from viz.palette import MONO

pytestmark = pytest.mark.extra
pytest.importorskip("typst", reason="typst is not installed")


def two_neurons() -> Value:
    x, w = [Value(2.0, "x1"), Value(-1.0, "δ")], [Value(0.5, "w¹"), Value(0.75, "w2")]
    z = affine(w, x, Value(0.25, "b1"))
    return tanh(z) * -1.5


def wide_network() -> Value:
    model = nn.MLP(25, [9, 3], activation="tanh", seed=0)
    return nn.cross_entropy(model([0.1 * k - 1.0 for k in range(25)]), [0.0, 1.0, 0.0])


def pixels(png: bytes) -> np.ndarray:
    image = pytest.importorskip("PIL.Image", reason="Pillow, which matplotlib brings, is not installed")
    return np.asarray(image.open(io.BytesIO(png)).convert("RGB"), dtype=float)


def channels(colour: str) -> np.ndarray:
    return np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)], dtype=float)


def size_of(picture: str) -> tuple[float, float]:
    root = ET.fromstring(picture)
    return float(root.get("width")), float(root.get("height"))


PICTURES = {
    "forward": lambda **options: viz.draw(two_neurons(), **options),
    "backward": lambda **options: viz.draw_backward(two_neurons(), **options),
    "network": lambda **options: viz.draw_network(two_neurons(), **options),
    "tiles": lambda **options: viz.draw_network(wide_network(), **options),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_png_has_two_pixels_for_each_of_the_pictures_and_a_pdf_its_size_in_points(name):
    figure = PICTURES[name]()
    wide, high = size_of(figure.pipe("svg", encoding="utf-8"))
    png = pixels(figure.pipe("png"))
    assert png.shape[:2] == (2 * high, 2 * wide)
    ground = channels(palette.LIGHT["ground"])
    assert all((side == ground).all() for side in (png[0], png[-1], png[:, 0], png[:, -1]))
    (box,) = re.findall(rb"/MediaBox ?\[([\d. ]+)\]", figure.pipe("pdf"))
    assert list(map(float, box.split())) == pytest.approx([0, 0, 0.75 * wide, 0.75 * high], abs=0.01)


def test_the_same_picture_gives_the_same_bytes():
    kinds = ("png", "pdf")
    before = [viz.draw(two_neurons()).pipe(kind) for kind in kinds]
    time.sleep(1.1)  # a date would differ now
    assert [viz.draw(two_neurons()).pipe(kind) for kind in kinds] == before


@pytest.mark.parametrize(
    ("theme", "colours"), [("auto", palette.LIGHT), ("light", palette.LIGHT), ("dark", palette.DARK)]
)
def test_a_file_has_one_theme_which_is_light_unless_another_is_asked_for(theme, colours):
    png = pixels(viz.draw(two_neurons(), theme=theme).pipe("png"))
    assert (png[0, 0] == channels(colours["ground"])).all()
    assert (np.abs(png - channels(colours["v"])).max(axis=2) < 8).any()
    assert (np.abs(png - channels(colours["g"])).max(axis=2) < 8).any()


@pytest.mark.parametrize("name", PICTURES)
def test_every_text_stands_where_the_svg_says_and_is_as_wide_as_its_room(name):
    """No reader of SVG is asked: the ink of each text begins and ends where a fixed-width face puts it."""
    figure = PICTURES[name](theme="light")
    picture = figure.pipe("svg", encoding="utf-8")
    left, top = map(float, re.search(r'viewBox="([-\d.]+) ([-\d.]+)', picture).groups())
    png, seen = pixels(figure.pipe("png")), 0
    for area in texts(ET.fromstring(picture)):
        size = (area.bottom - area.top) / 0.9
        x, wide, y = area.left - left, area.right - area.left, area.bottom - 0.15 * size - top
        rows = png[round(2 * (y - 0.8 * size)) : round(2 * (y + 0.25 * size))]
        begin, end = round(2 * x), round(2 * (x + wide))
        ink = np.abs(rows - np.median(rows[:, begin:end].reshape(-1, 3), axis=0)).max(axis=2).max(axis=0) > 60
        place = round(1.2 * size)  # of one letter: what the first and the last leave free is less
        assert not ink[begin - 3 : begin].any(), area.what
        assert not ink[end : end + 3].any(), area.what
        assert ink[begin : begin + place].any(), area.what
        assert ink[end - place : end].any(), area.what
        seen += 1
    assert seen >= 10


def drawn_alone(text: str) -> bytes:
    picture = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30" viewBox="0 0 40 30">'
        f'<text x="10" y="20" font-size="14" font-family="{MONO}">{text}</text></svg>'
    )
    return viz.export.exported(picture, "png")


@pytest.mark.parametrize("sign", "−×÷·∇∂δσΣ′⊙‖√∞…²¹⁰₀→←≤±µéЖ")
def test_the_wheels_fonts_have_the_signs_of_pictures(sign):
    missing = drawn_alone("\U000fffff")  # which no font has
    assert drawn_alone(sign) not in (missing, drawn_alone(" "))


def test_any_label_can_be_written():
    for text in HOSTILE:
        x = Value(3.0, text)
        assert (x * x).data == 9.0
        for kind in ("png", "pdf"):
            assert viz.draw(x * x).pipe(kind)


def test_a_large_picture_has_fewer_pixels_not_too_many(monkeypatch):
    monkeypatch.setattr(viz.export, "LONGEST_SIDE", 300)
    png = pixels(viz.draw(two_neurons()).pipe("png"))
    assert max(png.shape) in (299, 300, 301)
    monkeypatch.setattr(viz.export, "MOST_PIXELS", 10_000)
    assert pixels(viz.draw(two_neurons()).pipe("png"))[..., 0].size == pytest.approx(10_000, rel=0.03)


@pytest.mark.parametrize("name", PICTURES)
def test_a_browser_draws_the_same(name, tmp_path):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("there is no Chromium")
    figure = PICTURES[name](theme="light")
    (tmp_path / "p.svg").write_text(figure.pipe("svg", encoding="utf-8"), encoding="utf-8")
    wide, high = size_of(figure.pipe("svg", encoding="utf-8"))
    shot = tmp_path / "shot.png"
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=2"]
    options += [f"--window-size={int(wide)},{int(high)}", f"--screenshot={shot}"]
    subprocess.run([browser, *options, (tmp_path / "p.svg").as_uri()], check=True, capture_output=True)
    ours, theirs = pixels(figure.pipe("png")), pixels(shot.read_bytes())
    rows, columns = (min(a, b) // 16 * 16 for a, b in zip(ours.shape[:2], theirs.shape[:2], strict=True))
    blurred = [
        p[:rows, :columns].reshape(rows // 16, 16, columns // 16, 16, 3).mean(axis=(1, 3)) for p in (ours, theirs)
    ]
    apart = np.abs(blurred[0] - blurred[1])  # of squares of 8 × 8 CSS pixels, which hold about one letter
    assert apart.mean() < 2.0
    assert apart.max() < 60.0

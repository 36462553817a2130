import pytest

from viz.palette import DARK, LIGHT
from viz.style import LINES, TONES, numeral, plain, shortened

THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
PAIRS = pytest.mark.parametrize("pair", [(TONES["value"], TONES["gradient"]), (LINES["gradient"], LINES["negative"])])


def channels(colour: str) -> list[float]:
    """Linear light of an sRGB colour (IEC 61966-2-1)."""
    parts = [int(colour[k : k + 2], 16) / 255.0 for k in (1, 3, 5)]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def contrast(one: str, two: str) -> float:
    """The contrast ratio of WCAG 2.2."""
    lighter, darker = sorted(
        (sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), channels(x), strict=True)) for x in (one, two)),
        reverse=True,
    )
    return (lighter + 0.05) / (darker + 0.05)


TRITAN_SIDE = (0.03901, -0.02788, -0.01113)
TRITAN = [
    ((1.01277, 0.13548, -0.14826), (-0.01243, 0.86812, 0.14431), (0.07589, 0.80500, 0.11911)),
    ((0.93678, 0.18979, -0.12657), (0.06154, 0.81526, 0.12320), (-0.37562, 1.12767, 0.24796)),
]
"""The two half-planes of Brettel, Viénot and Mollon (1997) in linear sRGB, and the normal of the plane between them."""


def dot(row: tuple[float, ...], column: list[float]) -> float:
    return sum(a * b for a, b in zip(row, column, strict=True))


def as_seen(colour: str, deficiency: str) -> list[float]:
    """A colour as a dichromat sees it, in linear light.

    Red-green blindness after Viénot, Brettel and Mollon (1999), blue-yellow blindness after Brettel, Viénot and
    Mollon (1997).
    """
    r, g, b = channels(colour)
    if deficiency == "tritan":
        half = TRITAN[0 if dot(TRITAN_SIDE, [r, g, b]) >= 0.0 else 1]
        return [dot(row, [r, g, b]) for row in half]
    if deficiency == "protan":
        yellow = 0.11238 * r + 0.88762 * g
        return [yellow, yellow, 0.00401 * r - 0.00401 * g + b]
    yellow = 0.29275 * r + 0.70725 * g
    return [yellow, yellow, -0.02234 * r + 0.02234 * g + b]


@THEMES
@pytest.mark.parametrize("tone", TONES)
@pytest.mark.parametrize("ground", ["ground", "paper", "cell"])
def test_text_has_a_contrast_of_at_least_four_and_a_half(theme, tone, ground):
    assert contrast(theme[TONES[tone]], theme[ground]) >= 4.5


@THEMES
@pytest.mark.parametrize("deficiency", ["protan", "deutan"])
@PAIRS
def test_blue_and_orange_stay_apart_for_the_colour_blind(theme, deficiency, pair):
    one, two = (as_seen(theme[name], deficiency) for name in pair)
    # blue against yellow is what dichromats see; 0.1 of linear light is far above what they can tell apart
    assert abs((one[2] - one[0]) - (two[2] - two[0])) > 0.1


@pytest.mark.parametrize("half", TRITAN)
def test_the_simulation_of_blue_yellow_blindness_projects_on_what_is_seen(half):
    """A check of the numbers above: what is seen is seen as it is, and grey stays grey."""
    columns = list(zip(*half, strict=True))
    for row, seen in ((row, [dot(row, list(column)) for column in columns]) for row in half):
        assert seen == pytest.approx(row, abs=2e-5)  # the published numbers have five decimals
        assert sum(row) == pytest.approx(1.0, abs=2e-5)


@THEMES
@PAIRS
def test_blue_and_orange_stay_apart_for_those_who_confuse_blue_and_yellow(theme, pair):
    one, two = (as_seen(theme[name], "tritan") for name in pair)
    # red against green is what they see: blue turns to teal, orange to red
    assert abs((one[0] - one[1]) - (two[0] - two[1])) > 0.1


def test_a_pair_that_only_blue_and_yellow_tell_apart_would_fail():
    one, two = (as_seen(colour, "tritan") for colour in ("#00a000", "#0000ff"))
    assert abs((one[0] - one[1]) - (two[0] - two[1])) < 0.1


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.0, "0"), (-0.0, "0"), (1.0, "1"), (-2.5, "−2.5"), (1234567.0, "1.235e6"), (-1e-9, "−1e−9"),
     (float("nan"), "undefined"), (float("inf"), "∞"), (float("-inf"), "−∞")],
)  # fmt: skip
def test_numbers_are_shown_with_a_true_minus_and_few_digits(number, text):
    assert numeral(number) == text


def test_long_labels_keep_both_ends():
    short = shortened("x" * 5000 + "y")
    assert len(short) == 18
    assert short.startswith("xxx")
    assert short.endswith("y")
    assert shortened("日本語の長いラベルです") == "日本語の…ベルです"
    assert plain("a\tb\x00c") == "a b\\x00c"

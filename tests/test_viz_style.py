import re
from importlib.resources import files

import pytest

from viz.style import DARK, LIGHT, numeral, plain, shortened

THEMES = [LIGHT, DARK]
CSS = files("viz").joinpath("stepper.css").read_text(encoding="utf-8")


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


def as_seen(colour: str, deficiency: str) -> list[float]:
    """A colour as a dichromat sees it (Viénot, Brettel and Mollon 1999), in linear light."""
    r, g, b = channels(colour)
    if deficiency == "protan":
        yellow = 0.11238 * r + 0.88762 * g
        return [yellow, yellow, 0.00401 * r - 0.00401 * g + b]
    yellow = 0.29275 * r + 0.70725 * g
    return [yellow, yellow, -0.02234 * r + 0.02234 * g + b]


def variables(css: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", css))


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
@pytest.mark.parametrize("tone", ["ink", "muted", "value", "gradient", "warning", "positive", "negative"])
@pytest.mark.parametrize("ground", ["ground", "box", "leaf", "constant"])
def test_text_has_a_contrast_of_at_least_four_and_a_half(theme, tone, ground):
    assert contrast(getattr(theme, tone), getattr(theme, ground)) >= 4.5


STEPPER = {
    "light": variables(CSS.split(":root.dark")[0]),
    "dark": variables(CSS.split(":root.dark")[1].split("@media")[0]),
}


@pytest.mark.parametrize("name", ["light", "dark"])
def test_the_stepper_has_that_contrast_too(name):
    colours = STEPPER[name]
    grounds = ("ground", "panel", "box", "leaf", "constant", "value-soft", "gradient-soft")
    for ground in grounds:
        for tone in ("ink", "muted", "value", "gradient", "warning"):
            assert contrast(colours[tone], colours[ground]) >= 4.5, (tone, ground)
    assert contrast(colours["on-accent"], colours["accent"]) >= 4.5


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_the_stepper_and_the_static_pictures_have_the_same_colours(theme):
    for tone in ("ground", "box", "leaf", "constant", "border", "ink", "muted", "value", "gradient", "edge", "warning"):
        assert STEPPER[theme.name][tone] == getattr(theme, tone)


def test_the_dark_stepper_is_the_same_by_choice_and_by_system():
    assert variables(CSS.split("@media (prefers-color-scheme: dark)")[1].split("* {")[0]) == STEPPER["dark"]


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
@pytest.mark.parametrize("deficiency", ["protan", "deutan"])
@pytest.mark.parametrize("pair", [("value", "gradient"), ("positive", "negative")])
def test_blue_and_orange_stay_apart_for_the_colour_blind(theme, deficiency, pair):
    one, two = (as_seen(getattr(theme, name), deficiency) for name in pair)
    # blue against yellow is what dichromats see; 0.1 of linear light is far above what they can tell apart
    assert abs((one[2] - one[0]) - (two[2] - two[0])) > 0.1


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
    assert plain("a\tb\x00c") == "a b\ufffdc"

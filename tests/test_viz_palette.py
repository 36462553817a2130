import re

import pytest

from tests.test_viz_style import contrast
from viz.palette import DARK, LIGHT, stylesheet

TEXT, AREA = 4.5, 3.0  # WCAG 2.2, success criteria 1.4.3 and 1.4.11

THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])


@THEMES
@pytest.mark.parametrize("name", ["ink", "soft", "v", "g", "l", "bad"])
def test_text_stands_out_from_every_ground_that_it_stands_on(theme, name):
    grounds = ["ground", "paper", "cell"] + ([f"{name}-tint"] if f"{name}-tint" in theme else [])
    for ground in grounds:
        assert contrast(theme[name], theme[ground]) >= TEXT, ground


@THEMES
@pytest.mark.parametrize("name", ["v-fill", "g-fill", "l-fill", "n-fill", "edge"])
def test_areas_and_outlines_stand_out_from_the_ground(theme, name):
    for ground in ("ground", "cell") if name != "edge" else ("ground",):
        assert contrast(theme[name], theme[ground]) >= AREA, ground


def test_both_themes_give_every_role_a_colour():
    assert LIGHT.keys() == DARK.keys()
    assert all(re.fullmatch("#[0-9a-f]{6}", colour) for theme in (LIGHT, DARK) for colour in theme.values())


def test_the_stylesheet_defines_every_role_for_both_themes():
    css = stylesheet()
    for name in LIGHT:
        assert css.count(f"--{name}: {LIGHT[name]};") == 1
        assert css.count(f"--{name}: {DARK[name]};") == 2

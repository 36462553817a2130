"""The page of conventions says what the code does."""

import json
from pathlib import Path

import pytest

from autograd.op import PRIMITIVES
from tests.scripts import script

DOCS = Path(__file__).parent.parent / "docs"


@pytest.fixture(scope="module")
def page():
    return script("docs/conventions/generate.py")


def test_the_page_is_what_the_generator_writes(page):
    written = page.TARGET.read_text(encoding="utf-8")
    assert written == page.document(), "run python docs/conventions/generate.py and look at what changed"


def test_every_operation_has_edge_points(page):
    assert set(page._points()) == set(PRIMITIVES)


def test_the_peers_state_their_versions_and_cover_the_points(page):
    peers = json.loads((DOCS / "conventions" / "peers.json").read_text(encoding="utf-8"))
    assert [peer["version"].split()[0] for peer in peers] == ["PyTorch", "JAX", "HIPS", "Python"]
    for peer in peers:
        for name, results in peer["results"].items():
            assert len(results) == len(page._points()[name])


@pytest.mark.parametrize(
    ("name", "args", "expected"),
    [
        ("relu", (0.0,), "0; 0"),
        ("abs", (-0.0,), "0; 0"),
        ("maximum", (1.5, 1.5), "1.5; 0.5, 0.5"),
        ("hypot", (0.0, 0.0), "0; 0, 0"),
        ("pow", (0.0, 0.0), "1; 0, 0"),
        ("pow", (-8.0, 1.0 / 3.0), "refused"),
        ("pow", (-2.0, 3.0), "-8; 12, undefined"),
        ("sqrt", (0.0,), "0; undefined"),
        ("exp", (710.0,), "refused"),
        ("exp", (-750.0,), "0; 0"),
        ("sigmoid", (-750.0,), "0; 0"),
        ("softplus", (710.0,), "710; 1"),
        ("logsumexp", (1000.0, 1000.0), "1000.69; 0.5, 0.5"),
        ("where", (-0.0, 1.0, 2.0), "2; 0, 0, 1"),
    ],
)
def test_conventions_are_those_that_were_decided(page, name, args, expected):
    """Written out here by hand, so that regenerating the page cannot change a convention unseen."""
    assert page.here(PRIMITIVES[name], args) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("relu", "0"), ("abs", "0"), ("sign", "0"), ("leaky_relu", "0"), ("elu", "0.5"), ("sqrt", "undefined")],
)
def test_second_derivatives_at_kinks_are_those_that_were_decided(page, name, expected):
    assert page.second(PRIMITIVES[name], 0.0) == expected

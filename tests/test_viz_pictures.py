import base64
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import unicodedata
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

import nn
import viz
import viz.figure
from autograd import Value, tanh, total
from tests.hostile import HOSTILE
from viz import palette
from viz.canvas import embedded, embedded_rules
from viz.style import THEMES
from viz.svg import svg

GOLDEN = Path(__file__).parent / "golden"
SVG = "{http://www.w3.org/2000/svg}"
NODE = re.compile(r"^\tn(\d+) \[", re.MULTILINE)
EDGE = re.compile(r"^\tn(\d+) -> n(\d+) \[", re.MULTILINE)

needs_dot = pytest.mark.skipif(not shutil.which("dot"), reason="the dot program is not installed")


def example() -> Value:
    x, w, b = Value(0.5, "x"), Value(-2.0, "w"), Value(0.25, "b")
    a = tanh(w * x + b)
    a.label = "a"
    loss = (a - 1.0) ** 2 + 0.5 * w * w
    loss.label = "loss"
    return loss


def labelled(text: str) -> Value:
    x = Value(3.0, text)
    y = x * x + Value(1.0, text)
    y.label = text
    return y


@pytest.fixture
def no_graphviz(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)


@pytest.fixture
def no_typst(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *_: None if name == "typst" else find(name))


# --- the same picture as ever -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["draw", "draw_backward"])
@pytest.mark.parametrize("suffix", ["dot", "svg"])
def test_the_picture_is_the_golden_one(name, suffix):
    """After a deliberate change: look at the new picture, then write it with `python tests/golden/write.py`."""
    figure = getattr(viz, name)(example())
    text = figure.source if suffix == "dot" else svg(figure.diagram)
    assert text == (GOLDEN / f"{name}.{suffix}").read_text(encoding="utf-8")


PROGRAM = """
import sys, viz
from autograd import Value, tanh
from viz.svg import svg
x, w = [Value(float(k), f"x{k}") for k in range(5)], [Value(0.1 * k) for k in range(5)]
y = tanh(sum((a * b for a, b in zip(w, x)), Value(0.5, "b")))
for text in (viz.draw(y).source, viz.draw_backward(y, level="neuron").source, svg(viz.draw_network(y).diagram),
             viz.to_html(y), viz.to_text(y)):
    sys.stdout.buffer.write(text.encode())
"""


def test_the_same_graph_gives_the_same_bytes_whatever_the_hash_seed():
    runs = [
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(viz.__file__).parents[1])},
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
        for seed in ("0", "1")
    ]
    assert len(runs[0]) > 10_000
    assert runs[0] == runs[1]


# --- counts, in DOT and in SVG ----------------------------------------------------------------------


def drawn(picture: str) -> tuple[int, int]:
    """The numbers of boxes and of arrows in an SVG of our own."""
    groups = [group.get("class", "").split()[:1] for group in ET.fromstring(picture).iter(f"{SVG}g")]
    return groups.count(["b"]), groups.count(["e"])


@pytest.mark.parametrize("draw", [viz.draw, viz.draw_backward])
@pytest.mark.parametrize("rankdir", ["LR", "TB", "RL", "BT"])
def test_dot_and_svg_have_a_box_for_each_value_and_an_arrow_for_each_slot(draw, rankdir):
    root = example()
    traced = viz.trace(root)
    expected = (len(traced.nodes), len(traced.edges))
    figure = draw(root, rankdir=rankdir)
    assert (len(NODE.findall(figure.source)), len(EDGE.findall(figure.source))) == expected
    assert drawn(svg(figure.diagram)) == expected


def test_a_value_alone_is_one_box():
    assert drawn(svg(viz.draw(Value(3.0, "x")).diagram)) == (1, 0)
    assert viz.to_text(Value(3.0, "x"), color=False) == "x  3  ∇ 1"
    assert "<svg" in viz.to_html(Value(3.0))


def test_a_sum_of_1100_terms_is_drawn_when_it_is_asked_for():
    root = total([Value(float(k)) for k in range(1100)])
    assert drawn(svg(viz.draw(root, max_nodes=2000).diagram)) == (1101, 1100)


def test_a_chain_far_longer_than_the_recursion_limit_is_drawn_when_it_is_asked_for():
    x = Value(1.0)
    for _ in range(3_000):
        x = -x
    assert drawn(svg(viz.draw(x, fold=False, max_nodes=20_000).diagram)) == (3_001, 3_000)
    assert len(viz.to_text(x, color=False).splitlines()) >= 3_001
    assert "computed in 3,000 steps" in viz.to_html(x)


# --- labels that want to be more than labels --------------------------------------------------------


@pytest.mark.parametrize("label", HOSTILE, ids=range(len(HOSTILE)))
def test_a_label_is_never_markup_in_dot(label):
    for figure in (viz.draw(labelled(label)), viz.draw_backward(labelled(label))):
        assert len(NODE.findall(figure.source)) == 4
        assert len(EDGE.findall(figure.source)) == 4
        figure.source.encode("utf-8")
        for value in re.findall(r"label=<(.*)> tooltip", figure.source):
            ET.fromstring(value.replace("&#160;", " "))


@pytest.mark.parametrize("label", HOSTILE, ids=range(len(HOSTILE)))
def test_a_label_is_never_markup_in_svg(label):
    picture = svg(viz.draw(labelled(label)).diagram)
    assert drawn(picture) == (4, 4)
    tags = {element.tag.removeprefix(SVG) for element in ET.fromstring(picture.encode()).iter()}
    assert tags <= {"svg", "style", "rect", "g", "path", "text", "tspan", "title"}


@pytest.mark.parametrize("label", HOSTILE, ids=range(len(HOSTILE)))
def test_a_label_cannot_command_the_terminal(label):
    text = viz.to_text(labelled(label), color=False)
    assert len(text.splitlines()) == 5
    assert not any(unicodedata.category(character) in ("Cc", "Cs") for character in text.replace("\n", ""))
    assert max(map(len, text.splitlines())) < 200


@needs_dot
def test_dot_reads_every_label_back():
    sources = [draw(labelled(label)).source for label in HOSTILE for draw in (viz.draw, viz.draw_backward)]
    read = subprocess.run(["dot", "-Tdot_json"], input="".join(sources).encode(), capture_output=True, check=True)
    decoder, text, counts = json.JSONDecoder(), read.stdout.decode().strip(), []
    while text:
        graph, end = decoder.raw_decode(text)
        counts.append((len(graph["objects"]), len(graph["edges"])))
        text = text[end:].lstrip()
    assert counts == [(4, 4)] * len(sources)


# --- with dot, with typst, with neither --------------------------------------------------------------


def changed(figure):
    """Return a picture as somebody has changed it, which the layout that is built in cannot draw."""
    figure.body.append("\t// looks the same\n")
    return figure


@pytest.mark.usefixtures("no_graphviz")
def test_without_graphviz_the_built_in_layout_draws_svg():
    figure = viz.draw(example())
    assert figure.renderer == "built-in"
    assert figure.pipe(encoding="utf-8") == svg(figure.diagram)


@pytest.mark.usefixtures("no_graphviz", "no_typst")
@pytest.mark.parametrize("kind", ["png", "pdf"])
def test_without_typst_png_and_pdf_name_the_remedy(kind, tmp_path):
    with pytest.raises(viz.RendererMissingError, match=rf"^{kind.upper()} needs the package typst: pip install typst;"):
        viz.draw(example()).pipe(kind)
    with pytest.raises(viz.RendererMissingError):
        viz.draw(example()).render(tmp_path / "x", format=kind)
    with pytest.raises(viz.RendererMissingError):
        viz.save(viz.draw(example()), tmp_path / f"x.{kind}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_graphviz")
def test_without_graphviz_other_formats_name_the_remedy():
    with pytest.raises(viz.RendererMissingError, match=r"^JPG needs Graphviz, .* \(the package graphviz\);"):
        viz.draw(example()).pipe("jpg")


@pytest.mark.usefixtures("no_graphviz")
def test_a_picture_changed_by_hand_is_not_drawn_wrongly():
    figure = viz.draw(example())
    figure.node("mine")
    with pytest.raises(viz.RendererMissingError, match="changed"):
        figure.pipe()


@needs_dot
@pytest.mark.usefixtures("no_typst")
def test_without_typst_dot_lays_out_png_and_pdf():
    assert viz.draw(example()).pipe("png") == changed(viz.draw(example())).pipe("png")
    assert viz.draw(example()).pipe("pdf").startswith(b"%PDF")


@needs_dot
@pytest.mark.parametrize(("kind", "magic"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_dot_renders(kind, magic):
    figure = viz.draw(example())
    assert figure.renderer == "dot"
    assert changed(figure).pipe(kind).startswith(magic)


def test_svg_is_laid_out_here_whatever_is_installed():
    figure = viz.draw(example())
    assert figure.pipe("svg", encoding="utf-8") == svg(figure.diagram)


def test_the_renderer_is_a_fact_not_a_choice():
    with pytest.raises(AttributeError, match="installed"):
        viz.draw(example()).renderer = "cairo"


# --- a Digraph in every other way -------------------------------------------------------------------


@pytest.mark.usefixtures("no_graphviz")
def test_render_writes_source_and_picture(tmp_path):
    figure = viz.draw(example())
    target = figure.render(tmp_path / "graph")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["graph", "graph.svg"]
    assert Path(target).read_text(encoding="utf-8") == svg(figure.diagram)
    figure.render(tmp_path / "other", cleanup=True)
    figure.render(outfile=tmp_path / "third.svg")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["graph", "graph.svg", "other.svg", "third.svg"]


def test_a_copy_and_a_subgraph_are_digraphs_too():
    figure = viz.draw(example())
    twin = figure.copy()
    twin.node("mine")
    assert "mine" in twin.source
    assert "mine" not in figure.source
    with figure.subgraph(name="cluster_0") as group:
        group.node("n0")
    assert "cluster_0" in figure.source


@pytest.mark.parametrize("graphviz", [True, False])
def test_a_notebook_gets_html_with_inline_svg(graphviz, request):
    if not graphviz:
        request.getfixturevalue("no_graphviz")
    bundle = viz.draw(example())._repr_mimebundle_()
    assert set(bundle) == {"text/html", "image/svg+xml", "text/plain"}
    assert "<svg" in bundle["text/html"]
    assert "<img" not in bundle["text/html"]
    assert "<!DOCTYPE" not in bundle["text/html"]
    ET.fromstring(bundle["image/svg+xml"].encode())
    assert viz.draw(example())._repr_mimebundle_(include=["text/plain"]).keys() == {"text/plain"}


def test_two_pictures_on_one_page_share_no_id():
    one, two = (viz.draw(root)._repr_mimebundle_()["text/html"] for root in (example(), labelled("x")))
    ids = [set(re.findall(r'\bid="([^"]+)"', text)) for text in (one, two)]
    assert ids[0]
    assert not ids[0] & ids[1]


@pytest.mark.parametrize("graphviz", [True, False])
def test_one_picture_shown_twice_shares_no_id_with_itself(graphviz, request):
    if not graphviz:
        request.getfixturevalue("no_graphviz")
    figure = viz.draw(example())
    texts = [figure._repr_mimebundle_()["text/html"] for _ in range(2)]
    ids = [re.findall(r'\bid="([^"]+)"', text) for text in texts]
    assert len(ids[0]) == len(ids[1]) > 1
    assert not set(ids[0]) & set(ids[1])
    for text, (name, *_) in zip(texts, ids, strict=True):
        assert set(re.findall(r"#([\w-]+) \.", text)) <= {name}  # its style rules are its own
        ET.fromstring(text)


def test_showing_a_picture_changes_no_file(tmp_path):
    figure = viz.draw(example())
    before = [viz.save(figure, tmp_path / f"before.{suffix}").read_bytes() for suffix in ("svg", "html")]
    figure._repr_mimebundle_()
    assert [viz.save(figure, tmp_path / f"after.{suffix}").read_bytes() for suffix in ("svg", "html")] == before


# --- files ------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_graphviz")
@pytest.mark.parametrize("suffix", ["svg", "dot", "gv", "html", "txt", "json"])
def test_a_value_is_saved_by_suffix(suffix, tmp_path):
    path = viz.save(example(), tmp_path / f"picture.{suffix.upper()}")
    text = path.read_text(encoding="utf-8")
    begins = {"svg": "<svg", "dot": "digraph", "gv": "digraph", "html": "<!doctype", "txt": "loss", "json": "{"}
    assert text.startswith(begins[suffix])
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.usefixtures("no_graphviz")
def test_pictures_pages_texts_and_traces_are_saved(tmp_path):
    root = example()
    assert "<svg" in viz.save(viz.draw(root), tmp_path / "a.html").read_text(encoding="utf-8")
    assert viz.save(viz.to_html(root), tmp_path / "b.html").read_text(encoding="utf-8") == viz.to_html(root)
    assert viz.save(viz.to_text(root, color=False), tmp_path / "c.txt").read_text(encoding="utf-8").endswith("\n")
    traced = json.loads(viz.save(viz.trace(root), tmp_path / "d.json").read_text(encoding="utf-8"))
    assert len(traced["nodes"]) == len(viz.trace(root).nodes)


def test_what_is_undefined_is_null_in_json(tmp_path):
    traced = json.loads(viz.save(Value(0.0, "x").sqrt(), tmp_path / "t.json").read_text(encoding="utf-8"))
    assert traced["nodes"][0]["adjoint"] is None


@pytest.mark.parametrize("name", ["x", "x.jpeg", "x.svgz", "x.exe"])
def test_a_wrong_suffix_is_refused_with_the_right_ones(name, tmp_path):
    with pytest.raises(ValueError, match=r"\.svg \.png \.pdf \.dot \.gv \.html"):
        viz.save(viz.draw(example()), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_and_a_foreign_object_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder"):
        viz.save(example(), tmp_path / "nowhere" / "x.svg")
    with pytest.raises(TypeError, match="list"):
        viz.save([example()], tmp_path / "x.svg")


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "x.txt"
    path.write_text("old", encoding="utf-8")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        viz.save(example(), path)
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.usefixtures("no_typst")
def test_missing_fonts_are_reported_before_a_bitmap_is_drawn(monkeypatch):
    monkeypatch.setattr(viz.figure, "_has_fonts", lambda: False)
    monkeypatch.setattr(shutil, "which", lambda *_, **__: "dot")
    monkeypatch.setattr("graphviz.pipe", lambda *_, **__: b"drawn")
    with pytest.warns(UserWarning, match="no fonts are installed"):
        assert viz.draw(example()).pipe("png") == b"drawn"
    assert changed(viz.draw(example())).pipe("svg") == b"drawn"


# --- what dot makes of it -----------------------------------------------------------------------------


def texts_of(picture: str) -> tuple[list[str], list[str]]:
    """What a picture by dot shows in its boxes, and the tooltips of these."""
    nodes = [group for group in ET.fromstring(picture.encode()).iter(f"{SVG}g") if group.get("class") == "node"]
    shown = ["\n".join(element.text or "" for element in node.iter(f"{SVG}text")) for node in nodes]
    title = "{http://www.w3.org/1999/xlink}title"
    return shown, [element.get(title) for node in nodes for element in node.iter(f"{SVG}a")]


@needs_dot
@pytest.mark.parametrize("label", ["\\N", "\\G \\E", "two\\\\", "ends in \\", "&amp; &#60; &lt;", "a\\nb", "'", '"'])
def test_dot_shows_a_label_as_it_is(label):
    figure = viz.draw_backward(labelled(label))
    shown, tooltips = texts_of(changed(figure).pipe(format="svg", encoding="utf-8"))
    assert sum(text.split("\n")[0] == label for text in shown) == 3
    assert sum(tooltip.split("\n")[0] == label for tooltip in tooltips) >= 2


def curve(points, steps=20):
    """Points on a chain of cubic Bézier curves."""
    for a, b, c, d in zip(*(points[k::3] for k in range(3)), points[3::3], strict=False):
        for t in np.linspace(0.0, 1.0, steps):
            s = 1.0 - t
            yield s**3 * a + 3 * s * s * t * b + 3 * s * t * t * c + t**3 * d


@needs_dot
@pytest.mark.parametrize("rankdir", ["LR", "TB"])
@pytest.mark.parametrize("draw", [viz.draw, viz.draw_backward])
def test_dot_places_the_text_of_an_arrow_clear_of_it_and_of_all_boxes(draw, rankdir):
    model = nn.MLP(2, [3, 1], seed=0)
    loss = nn.half_squared_error(model([0.5, -1.0]), [1.0])
    source = draw(loss, rankdir=rankdir).source
    run = subprocess.run(["dot", "-Tjson"], input=source.encode(), capture_output=True, check=True)
    picture = json.loads(run.stdout)
    boxes = [
        (*np.subtract(place, half), *np.add(place, half))
        for node in picture["objects"]
        for place in [[float(n) for n in node["pos"].split(",")]]
        for half in [(36 * float(node["width"]), 36 * float(node["height"]))]
    ]
    texts = 0
    for edge in picture["edges"]:
        texts += "_ldraw_" in edge
        line = [np.array(p) for op in edge["_draw_"] if op["op"] in "bB" for p in op["points"]]
        for text in (op for op in edge.get("_ldraw_", []) if op["op"] == "T"):
            (x, y), width = text["pt"], text["width"]
            left = x - {"l": 0.0, "c": 0.5, "r": 1.0}[text["align"]] * width
            right, bottom, top = left + width, y - 2.0, y + 7.0  # of letters 9 points high
            assert not any(left < px < right and bottom < py < top for px, py in curve(line)), text["text"]
            assert not any(left < r and l < right and bottom < t and b < top for l, b, r, t in boxes), text["text"]
    assert texts == 22


# --- in the reader's theme ----------------------------------------------------------------------------


def test_a_picture_follows_the_readers_theme_by_itself():
    follows, light, dark = (viz.draw(example(), theme=theme).pipe("svg", encoding="utf-8") for theme in THEMES)
    (rules,) = re.findall("<style>(.*?)</style>", follows, re.S)
    before, _, after = rules.partition("@media (prefers-color-scheme:dark){")
    scoped = [re.sub("#g[0-9a-f]{8}", "#g", text) for text in (before, after[:-1])]
    for own, fixed in zip(scoped, (light, dark), strict=True):
        (whole,) = re.findall("<style>(.*?)</style>", fixed, re.S)
        assert own == re.sub("#g[0-9a-f]{8}", "#g", whole)
    assert viz.draw(example()).diagram.theme == "auto"
    assert "@media" not in light + dark


def test_a_page_of_a_picture_allows_its_own_styles_alone(tmp_path):
    text = viz.save(viz.draw(example()), tmp_path / "x.html").read_text(encoding="utf-8")
    assert "unsafe-inline" not in text
    styles = re.findall("<style>(.*?)</style>", text, re.S)
    hashes = [base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in styles]
    assert [f"'sha256-{each}'" in text for each in hashes] == [True, True]
    assert not re.search(r"\sstyle=", text)


def test_the_colours_of_pictures_are_those_of_the_palette():
    colours = set(re.findall(r"#[0-9a-f]{6}\b", viz.draw_backward(example()).pipe("svg", encoding="utf-8")))
    assert colours <= {*palette.LIGHT.values(), *palette.DARK.values()}
    for path in Path(viz.__file__).parent.rglob("*"):
        if path.suffix in (".py", ".css", ".js", ".html") and path.name != "palette.py":
            assert not re.findall(r"#[0-9a-fA-F]{6}\b", path.read_text(encoding="utf-8")), path


@pytest.mark.parametrize("label", ["a", 'class="b c"', "<g class='d'>"])
def test_a_picture_within_a_page_keeps_its_texts_and_shares_no_class_with_the_page(label):
    picture = viz.draw_backward(labelled(label)).pipe("svg", encoding="utf-8")
    drawn, style = embedded(picture), embedded_rules(".fallback svg")
    elements = [[e for e in ET.fromstring(each).iter() if e.tag in ("text", f"{SVG}text")] for each in (picture, drawn)]
    texts = [["".join(element.itertext()) for element in found] for found in elements]
    assert texts[0] == texts[1] != []
    classes = {name for element in ET.fromstring(drawn).iter() for name in element.get("class", "").split()}
    pages = "".join(path.read_text(encoding="utf-8") for path in Path(viz.__file__).parent.rglob("*.css"))
    assert len(classes) > 10
    assert not classes & set(re.findall(r"\.([a-z][\w-]*)", pages))
    assert {name for name in classes if f".{name}" in style} >= {"p-box", "p-line", "p-tip", "p-value", "p-ground"}
    assert "#" not in style  # no colour of its own


def test_a_page_without_a_script_shows_the_picture_in_its_colours():
    page = viz.to_html(example())
    assert '<noscript><section class="fallback"><svg ' in page
    assert ".fallback svg .p-box{fill:var(--ground);stroke:var(--edge)}" in page
    assert ".fallback svg text{" in page

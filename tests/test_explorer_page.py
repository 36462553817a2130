"""The text of a page: what it may do, what it says without a script, and what it is called."""

import base64
import hashlib
import html
import json
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import pytest

import nn
import viz
from autograd import Op, Value, total
from autograd.lift.language.term import references
from tests.explorer_pages import CASES, NODE, page_of, run
from tests.hostile import HOSTILE
from tests.sampled import sampled
from viz.explorer.compact import compact_script
from viz.explorer.data import content
from viz.palette import DARK, LIGHT

KILOBYTE = 1024


class Elements(HTMLParser):
    """The elements of a page with their attributes, and the text of its scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inline: dict[str, list[str]] = {"script": [], "style": []}
        self.feed(page)

    inside = ""

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self.inside = "" if dict(attributes).get("type") == "application/json" else tag

    def handle_endtag(self, _tag):
        self.inside = ""

    def handle_data(self, data):
        if self.inside in self.inline:
            self.inline[self.inside].append(data)


def data_of(page: str):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1])


def labelled(labels: list[str]) -> Value:
    roots = []
    for label in labels:
        x, w = Value(2.0, label), Value(3.0, f"{label}[0]")
        roots.append((x * w + x).tanh())
        roots[-1].label = label
    return total(roots)


FEW = [HOSTILE[start : start + 8] for start in range(0, len(HOSTILE), 8)]


@pytest.mark.parametrize("name", ["expression", "small", "digit", "attention", "batch"])
def test_the_policy_allows_this_script_and_this_style_and_nothing_else(name):
    page = Elements(page_of(name))
    policy = next(a["content"] for tag, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    digests = {
        kind: base64.b64encode(hashlib.sha256("".join(text).encode()).digest()).decode()
        for kind, text in page.inline.items()
    }
    assert policy == (
        f"default-src 'none'; script-src 'sha256-{digests['script']}'; style-src 'sha256-{digests['style']}'; "
        "base-uri 'none'; form-action 'none'"
    )


@pytest.mark.parametrize("name", ["expression", "digit", "lstm"])
def test_a_page_refers_to_nothing_outside(name):
    page = Elements(page_of(name))
    for tag, attributes in page.elements:
        assert not attributes.keys() & {"src", "href", "srcset", "action", "style"}, (tag, attributes)
        assert not any(key.startswith("on") for key in attributes)
    scripts = "".join(page.inline["script"])
    assert set(re.findall(r"https?://[^\s\"'`]+", scripts)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"\b(fetch|XMLHttpRequest|import\(|eval\(|Function\()", scripts)


@pytest.mark.parametrize("labels", FEW, ids=range(len(FEW)))
def test_a_label_never_becomes_markup(labels):
    harmless = Elements(str(viz.to_html(labelled([f"x{k}" for k in range(len(labels))]))))
    page = viz.to_html(labelled(labels), title=" ".join(labels))
    found = Elements(str(page))
    assert "".join(found.inline["style"]) == "".join(harmless.inline["style"])
    assert "".join(found.inline["script"]) == "".join(harmless.inline["script"])
    assert sum(tag == "script" for tag, _ in found.elements) == 2
    assert {tag for tag, _ in found.elements} <= {tag for tag, _ in harmless.elements} | {"mtext", "msub", "mrow", "mn"}
    json.dumps(data_of(str(page)))


@pytest.mark.parametrize("labels", FEW, ids=range(len(FEW)))
def test_names_of_examples_and_classes_never_become_markup(labels):
    model = nn.MLP(2, [len(labels)], seed=0)
    losses = [nn.half_squared_error(model([1.0, 0.5 * k]), [1.0] * len(labels)) for k in range(len(labels))]
    page = str(viz.to_html(total(losses) / len(labels), examples=labels, classes=labels))
    assert sum(tag == "script" for tag, _ in Elements(page).elements) == 2
    assert page.count("</script>") == 2


def test_the_same_graph_gives_the_same_bytes():
    assert str(viz.to_html(CASES["attention"]().root)) == str(viz.to_html(CASES["attention"]().root))


@pytest.mark.parametrize("name", sampled(CASES, 3, ["unstructured"]))
def test_a_page_is_not_much_larger_than_its_numbers(name):
    page = page_of(name)
    numbers = len(json.dumps(data_of(page), ensure_ascii=False, separators=(",", ":")).encode())
    pictures = re.findall(r"<noscript>.*?</noscript>", page, re.DOTALL) if name == "deep" else ()
    assert len(page.encode()) <= 200 * KILOBYTE + 1.1 * numbers + sum(map(len, pictures))


@pytest.mark.parametrize("name", ["expression", "small", "batch", "attention"])
def test_without_a_script_there_are_the_picture_the_equations_and_the_numbers(name):
    page = page_of(name)
    fallback = re.search(r"<noscript>(.*?)</noscript>", page, re.DOTALL)[1]
    assert "<svg" in fallback
    traced = viz.trace(CASES[name]().root)
    rows = re.findall(r"<tr><td>(.*?)<td>(.*?)<td>(.*?)(?=<tr>|</table>)", fallback)
    shown = [node for node in traced.nodes if not node.is_constant]
    assert [float(value.replace("−", "-")) for _, value, _ in rows] == [node.data for node in shown]
    assert [float(gradient.replace("−", "-")) for _, _, gradient in rows] == [node.adjoint for node in shown]
    assert page.count('class="eq ') >= 3
    assert "<math>" in page


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("expression", "z = x · y + x"),
        ("small", "A 2-2-1 network and its cost"),
        ("digit", "A 64-30-10 network and its cost"),
        ("batch", "A batch of 4 through a 2-3-1 network and its cost"),
        ("residual", "A residual 3-4-4-1 network and its cost"),
        ("very_deep", "A 24-layer 3-4-4-…-4-1 network and its cost"),
        ("unstructured", "C, computed in 15,683 steps"),
    ],
)
def test_the_title_says_what_is_shown(name, title):
    assert html.unescape(re.search(r"<title>(.*?)</title>", page_of(name))[1]) == title


def test_one_is_not_many():
    x = Value(2.0, "x")
    assert "2 values · 1 contribution<" in viz.to_html(x.tanh())


def test_a_node_without_a_label_says_what_it_computes():
    x, y = Value(2.0, "x"), Value(3.0, "y")
    names = dict(data_of(str(viz.to_html(x * y + x)))["graph"]["tape"]["names"])
    assert names[2] == "x·y"


def test_no_colour_stands_outside_the_palette():
    page = page_of("digit")
    style = "".join(Elements(page).inline["style"])
    script = "".join(Elements(page).inline["script"])
    own = {colour for theme in (LIGHT, DARK) for colour in theme.values()}
    assert set(re.findall(r"#[0-9a-fA-F]{3,8}\b", style)) <= own
    assert not re.findall(r"#[0-9a-fA-F]{6}\b", script)
    assert set(re.findall(r"rgba?\(([^)]*)\)", style)) <= {
        "0 0 0 / .14",
        "0 0 0 / .2",
        "10 14 20 / .45",
    }  # shadows and a veil


def test_options_that_do_not_fit_the_graph_are_refused():
    model = nn.MLP(2, [2], seed=0)
    loss = nn.half_squared_error(model([1.0, 2.0]), [0.0, 1.0])
    with pytest.raises(ValueError, match="as many pixels as the network has inputs, got 2 × 2 for 2"):
        viz.to_html(loss, image=(2, 2))
    with pytest.raises(ValueError, match="name each output of a network, got 3 for 2"):
        viz.to_html(loss, classes=["a", "b", "c"])
    with pytest.raises(ValueError, match="got 2 names for 1"):
        viz.to_html(loss, examples=["a", "b"])
    with pytest.raises(TypeError, match="must hold leaf Values of the graph"):
        viz.to_html(loss, inputs={"x": [Value(1.0)]})


def test_a_users_own_operation_still_gives_a_page():
    cube = Op("cube<b>", forward=lambda x: x**3, partials=(lambda out, x: 3.0 * x**2,))
    page = str(viz.to_html(cube(Value(2.0, "x"))))
    assert data_of(page)["graph"]["tape"]["frozen"] == "cube<b>"
    assert "<b>" not in page[page.index("<body>") : page.index('<script type="application/json"')]


def test_a_notebook_shows_the_page_in_a_sandbox():
    frame = viz.to_html(labelled(["x"]))._repr_html_()
    assert frame.startswith("<iframe srcdoc=")
    assert 'sandbox="allow-scripts allow-downloads"' in frame
    assert "<script" not in frame


def test_layers_are_found_however_the_sums_were_written():
    x, t = [0.5, -1.5], 1.0
    W = [[Value(0.3 * (j + 1) - 0.4 * k) for k in range(2)] for j in range(3)]
    hidden = [sum((w * v for w, v in zip(row, x, strict=True)), Value(0.1)).tanh() for row in W]
    V = [Value(0.2 * k - 0.1) for k in range(3)]
    out = sum((v * h for v, h in zip(V, hidden, strict=True)), Value(0.0))
    network = content(viz.trace((out - t) ** 2), {}).network
    assert network is not None
    assert network.sizes == (2, 3, 1)


def test_equations_that_are_not_right_are_not_shown(monkeypatch):
    from viz.explorer import terms

    monkeypatch.setattr(terms, "holds", lambda *_: False)
    assert "The number" in viz.to_html(CASES["small"]().root)


def notation_of(name):
    traced = viz.trace(CASES[name]().root)
    (notation,) = content(traced, {}).sets
    return notation


@pytest.mark.parametrize("name", ["small", "attention", "deep"])
def test_every_term_of_an_equation_carries_its_number_once(name):
    notation = notation_of(name)
    numbers = [int(n) for n in re.findall(r'data-t="(\d+)"', "".join(notation.markup))]
    assert len(set(numbers)) == len(numbers)
    shown = {notation.meanings[n][0].term for n in numbers}
    for each in notation.equations.all:  # every name that stands in an equation can be pointed at
        assert {term for term in references(each.line.right.meaning.term) if term.indices} <= {
            inner for term in shown for inner in references(term)
        }


def text_of(markup: str) -> str:
    return html.unescape(re.sub("<[^>]*>", "", markup))


@pytest.mark.parametrize("name", ["residual", "attention", "lstm"])
def test_a_long_equation_breaks_at_its_signs_and_says_the_same(name):
    notation = notation_of(name)
    broken = 0
    for each, markup in zip(notation.equations.all, notation.markup, strict=True):
        pieces = re.findall("<math>(.*?)</math>", markup, re.DOTALL)
        left, right = "".join(map(text_of, pieces)).split("=", 1)
        assert right == text_of(notation.text(each.line.right))
        assert left.removeprefix("∂C∂") == text_of(notation.symbol(each.line.left))
        for piece in pieces:  # each is well-formed by itself
            ElementTree.fromstring(f"<math>{html.unescape(piece.replace('&lt;', ''))}</math>")
        broken += len(pieces) > 1
    assert broken


def test_steps_that_repeat_are_written_once_and_every_layer_has_its_equation():
    shown = page_of("very_deep")
    assert "for <i>l</i> = 1, …, 23" in shown
    defined = {key for each in data_of(shown)["graph"]["sets"][0]["equations"] for key in each["keys"]}
    assert defined == {"loss", "dx"} | {f"{key}{l}" for key in ("z", "delta", "dW", "db") for l in range(1, 25)} | {
        f"a{l}" for l in range(1, 24)
    }


def test_equations_call_the_output_by_its_label():
    page = page_of("expression")
    shown = [text_of(row) for row in re.findall(r'<div class="eq .*?</div>', page)]
    assert shown == ["z=xy+x", "∂z∂x=y+1", "∂z∂y=x"]
    named = nn.half_squared_error(nn.MLP(2, [2], seed=0)([1.0, 2.0]), [0.0, 1.0])
    named.label = "loss"
    assert "<mi>C</mi>" in viz.to_html(named)  # of a network, it is the cost


@pytest.mark.parametrize(
    ("script", "compact"),
    [
        ("let c = a + ++d - -e; // one\n/* two */", "let c=a+ ++d- -e;"),
        ("const a = b ? /[/ ]+/g : 'it // is';", "const a=b?/[/ ]+/g:'it // is';"),
        ("f(`a ${x ? `b  ${'}'} c` : '}'}  d`, 1 / 2 / 3);", "f(`a ${x ? `b  ${'}'} c` : '}'}  d`,1/2/3);"),
        ("if (a)\n  b();\nelse\n  c()\nreturn\nx++\ny", "if(a)\nb();else\nc()\nreturn\nx++\ny"),
        ("const o = {\n  a,\n  b: [\n    1,\n  ],\n};", "const o={a,b:[1,],};"),
    ],
)
def test_a_compact_script_is_the_same_script(script, compact):
    assert compact_script(script) == compact
    assert compact_script(compact) == compact


@pytest.mark.skipif(not NODE, reason="there is no node")
def test_every_compact_module_is_a_script():
    paths = Path(viz.explorer.__file__).parent.glob("*.js")
    texts = {path.name: compact_script(path.read_text(encoding="utf-8")) for path in paths}
    parse = f"const {{ Script }} = require('vm'); Object.entries({json.dumps(texts)})"
    run(f"{parse}.forEach(([filename, text]) => new Script(text, {{ filename }})); console.log(true);")

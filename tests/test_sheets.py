"""The pages without scripts: reports of the referee, explanations, programs."""

import base64
import hashlib
import re
from xml.etree import ElementTree

import numpy as np
import pytest

import autograd as ag
import nn
import viz
from autograd import Value
from tests.hostile import HOSTILE
from viz.palette import DARK, LIGHT
from viz.sheets.mathml import mathml
from viz.sheets.sheet import squares

MODEL = nn.MLP(3, [4, 2], activation="sigmoid", output_activation="sigmoid", seed=0)
RNG = np.random.default_rng(0)
X, T = RNG.normal(size=(5, 3)), RNG.uniform(size=(5, 2))


def two_mistakes(weights, biases, X, T):
    (W1, W2), (b1, b2) = weights, biases
    a1 = 1 / (1 + np.exp(-(X @ W1.T + b1)))
    a2 = 1 / (1 + np.exp(-(a1 @ W2.T + b2)))
    delta2 = (a2 - T) * a2 * (1 - a2)
    delta1 = delta2 @ W2 * a1
    dW = [delta1.T @ X / len(X), delta2.T @ a1 / len(X)]
    return dW, [delta1.mean(axis=0), delta2.sum(axis=0)], [delta1, delta2]


def right(weights, biases, X, T):
    (W1, W2), (b1, b2) = weights, biases
    a1 = 1 / (1 + np.exp(-(X @ W1.T + b1)))
    a2 = 1 / (1 + np.exp(-(a1 @ W2.T + b2)))
    delta2 = (a2 - T) * a2 * (1 - a2)
    delta1 = delta2 @ W2 * a1 * (1 - a1)
    dW = [delta1.T @ X / len(X), delta2.T @ a1 / len(X)]
    return dW, [delta1.mean(axis=0), delta2.mean(axis=0)], [delta1, delta2]


def checked(function):
    return nn.check_backprop(function, MODEL, X, T, "half_squared_error")


def explained(label="x"):
    x, y = Value(0.5, label), Value(-1.0, "y")
    return ag.explain((x * y + x).tanh(), x)


def program(names=("W", "b")):
    w, b = (Value(number, name) for number, name in zip((0.5, 0.1), names, strict=True))
    compiled = ag.compile(lambda x, t: (ag.tanh(w * x[0] + b) - t[0]) ** 2, parameters=[w, b])
    compiled.value(x=[[1.0], [2.0]], t=[[0.5], [0.25]])
    return compiled


@pytest.fixture(scope="module")
def report():
    return checked(two_mistakes)


@pytest.fixture(scope="module")
def pages(report):
    return {
        "report": viz.to_html(report),
        "right": viz.to_html(checked(right)),
        "explanation": viz.to_html(explained()),
        "program": viz.to_html(program()),
    }


def main_of(page):
    """Return the part of a page that shows, which has to be well-formed."""
    return ElementTree.fromstring(page[page.index("<main>") : page.index("</main>") + len("</main>")])


def text_of(element):
    return "".join(element.itertext())


def with_class(tree, name):
    return [each for each in tree.iter() if name in each.get("class", "").split()]


@pytest.mark.parametrize("name", ["report", "right", "explanation", "program"])
def test_the_policy_allows_one_style_and_no_script(pages, name):
    page = pages[name]
    (style,) = re.findall("<style>(.*?)</style>", page, re.S)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert f'http-equiv="Content-Security-Policy" content="{policy}"' in page
    assert not re.search(r"<script|\sstyle=|javascript:|\son\w+=|\s(?:href|src)=|url\(|@import", page)
    assert set(re.findall("https?://[^\"' <]*", page)) <= {"http://www.w3.org/2000/svg"}
    main_of(page)
    own = {colour for theme in (LIGHT, DARK) for colour in theme.values()}
    pictures = set(re.findall("#[0-9a-f]{6}", pages["explanation"])) if name == "explanation" else set()
    assert set(re.findall(r"#[0-9a-fA-F]{3,8}\b", style)) - pictures <= own


def test_a_report_strikes_out_what_is_wrong_and_shows_what_belongs_there(report, pages):
    tree = main_of(pages["report"])
    first, second = report.corrections
    details = list(tree.iter("section"))
    assert [text_of(with_class(each, "struck")[0]) for each in details] == ["a1", "N·∂C∂b2"]
    assert [text_of(with_class(each, "put")[0]) for each in details] == ["σ′(z1)", "1NΣδ2"]
    for section, correction in zip(details, (first, second), strict=True):
        (underlined,) = section.iter("u")
        assert underlined.text == correction.expression
        assert correction.corrected in [each.text for each in section.iter("ins")]
    verdicts = [each.get("class") for each in tree.iter("div") if each.get("class", "").startswith("tile ")]
    assert verdicts == [f"tile {finding.verdict}" for finding in report.findings]
    assert "Your backpropagation has two mistakes" in text_of(next(tree.iter("h1")))


def test_the_numbers_beside_each_other_are_those_of_the_report(report, pages):
    sections = list(main_of(pages["report"]).iter("section"))
    for section, (array, layer) in zip(sections, (("δ", 1), ("b", 2)), strict=True):
        rows = [[text_of(cell) for cell in row.iter("td")] for row in section.iter("tr")][1:]
        for (place, yours, right_one), (index, a, b) in zip(rows, report.of(array, layer).worst(), strict=True):
            assert place == f"[{', '.join(map(str, index))}]"
            for shown, number in ((yours, a), (right_one, b)):
                assert float(shown.replace("−", "-")) == pytest.approx(number, rel=1e-6)


def test_a_right_backpropagation_is_called_so(pages):
    tree = main_of(pages["right"])
    assert text_of(next(tree.iter("h1"))) == "Your backpropagation is right"
    assert not list(tree.iter("section"))


def test_a_mistake_without_a_line_is_told_array_by_array():
    class Opaque:
        def __call__(self, weights, biases, X, T):
            return two_mistakes(weights, biases, X, T)

    found = checked(Opaque())
    page = main_of(viz.to_html(found))
    assert len(list(page.iter("section"))) >= 1


def test_an_array_of_another_shape_or_without_numbers_still_gives_a_page():
    def short(weights, biases, X, T):
        dW, db, deltas = right(weights, biases, X, T)
        dW[0] = np.full_like(dW[0], np.nan)
        return dW, db, deltas

    tree = main_of(viz.to_html(checked(short)))
    assert any(each.get("class") == "x" for each in tree.iter())


def test_the_paths_of_an_explanation_are_all_there(pages):
    found, tree = explained(), main_of(pages["explanation"])
    numbers = [float(text_of(each).replace("−", "-")) for each in with_class(tree, "number")]
    assert numbers == pytest.approx([path.product for path in found.paths], rel=1e-5)
    slopes = [float(text_of(each)[2:].replace("−", "-")) for each in with_class(tree.find(".//ol"), "slope")]
    assert slopes == pytest.approx([step.local for path in found.paths for step in path.steps], rel=1e-3)
    widths = [float(bar.find("rect").get("width")) for bar in with_class(tree, "bar")]
    size = found.positive - found.negative
    assert widths == pytest.approx([100 * abs(path.product) / size for path in found.paths], abs=0.01)


def test_a_program_shows_its_equations_as_mathematics_and_its_source(pages):
    compiled, tree = program(), main_of(pages["program"])
    assert [each.text for each in tree.iter("h3")] == ["Forward", "Backward", "Gradients"]
    assert len(list(tree.iter("math"))) >= 6
    assert compiled.source.rstrip() in [each.text for each in tree.iter("pre")]
    network = ag.compile(lambda x, t: nn.half_squared_error(MODEL(x), t), parameters=MODEL)
    network.value(x=X, t=T)
    markup = viz.to_html(network)
    for part in ('<msup class="g"><mi>δ</mi><mn>1</mn></msup>', '<mfrac class="g">', '<mrow class="l">'):
        assert part in markup


def test_before_the_first_batch_a_program_has_no_page():
    with pytest.raises(RuntimeError, match="nothing is recorded yet"):
        viz.to_html(ag.compile(lambda x: x[0] * 1.0))


@pytest.mark.parametrize("label", HOSTILE)
def test_a_label_never_becomes_markup(label):
    for page in (
        viz.to_html(explained(label)),
        viz.to_html(explained(), title=label),
        viz.to_html(program((label, "b")), title=label),
    ):
        tree = main_of(page)
        assert {each.tag.rpartition("}")[2] for each in tree.iter()} <= ALLOWED
        assert not re.search("[\x00-\x08\x0b\x0e-\x1f\u202a-\u202e\u2066-\u2069]", page)


ALLOWED = {
    *(
        "main",
        "header",
        "span",
        "h1",
        "h3",
        "p",
        "b",
        "small",
        "ol",
        "li",
        "div",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
    ),
    *("td", "details", "summary", "pre", "svg", "path", "rect", "g", "text", "tspan", "title", "marker", "defs"),
    *("math", "mi", "mn", "mo", "mrow", "msup", "msub", "msubsup", "mfrac", "mtext", "msqrt", "mspace", "munder", "i"),
    *("polygon", "circle", "line", "style"),
}


def test_options_of_graphs_do_not_go_with_other_pages(report):
    with pytest.raises(TypeError, match="the page of a Report takes no option but title"):
        viz.to_html(report, classes=["a", "b"])


def test_pages_are_saved_as_they_are(report, pages, tmp_path):
    for k, (found, name) in enumerate(((report, "report"), (explained(), "explanation"), (program(), "program"))):
        path = viz.save(found, tmp_path / f"{k}.html")
        assert path.read_text(encoding="utf-8") == pages[name]
        assert viz.save(pages[name], path).read_text(encoding="utf-8") == pages[name]
        with pytest.raises(ValueError, match=r"is written as \.html"):
            viz.save(found, tmp_path / "page.png")


def test_a_notebook_shows_a_page_in_a_frame_without_scripts(pages):
    assert 'sandbox=""' in pages["report"]._repr_html_()


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        ("a²", '<msup class="v"><mi>a</mi><mn>2</mn></msup>'),
        ("δˡ", '<msup class="g"><mi>δ</mi><mi>l</mi></msup>'),
        (
            "(W²)ᵀ",
            '<msup><mrow><mo stretchy="false">(</mo><msup class="v"><mi>W</mi><mn>2</mn></msup>'
            '<mo stretchy="false">)</mo></mrow><mi mathvariant="normal">T</mi></msup>',
        ),
        ("x₁", '<msub class="v"><mi>x</mi><mn>1</mn></msub>'),
        ("(1/N)", "<mfrac><mn>1</mn><mi>N</mi></mfrac>"),
        ("1 − a", '<mn>1</mn><mo>−</mo><mrow class="v"><mi>a</mi></mrow>'),
        ("((", '<mrow><mo stretchy="false">(</mo><mrow><mo stretchy="false">(</mo></mrow></mrow>'),
        ("a < b & c", None),
    ],
)
def test_equations_become_mathml(text, markup):
    found = mathml(text)
    ElementTree.fromstring(f"<math>{found}</math>")
    assert markup is None or found == markup


def test_squares_are_areas_and_signs_are_shapes():
    drawn = squares(np.array([[4.0, -1.0, 0.0, np.nan]]), 4.0, cell=20.0)
    tree = ElementTree.fromstring(drawn)
    paths = {each.get("class"): each for each in tree.iter("path")}
    assert paths.keys() == {"gradient", "negative", "slot", "x"}
    sides = {name: float(path.get("stroke-width")) for name, path in paths.items() if name != "x"}
    assert sides["gradient"] / sides["negative"] == pytest.approx(2.0, rel=0.02)  # a quarter of the area
    places = {name: path.get("d").partition("h")[0] for name, path in paths.items()}
    assert (places["gradient"], places["negative"]) == ("M0 0", "M1 0")
    assert places["slot"] == places["negative"]  # that of a minus sign

import re
import subprocess
import sys

import pytest

import viz
import viz.style
from autograd import Value, affine, tanh
from viz import palette

NODE = re.compile(r"^\tn(\d+) \[", re.MULTILINE)
EDGE = re.compile(r"^\tn(\d+) -> n(\d+) \[", re.MULTILINE)


def text(markup: str) -> str:
    """What a label shows."""
    return re.sub("<[^>]*>", "", markup).replace("&#160;", " ")


def small_graph() -> Value:
    a, b = Value(2.0, "a"), Value(-3.0, "b")
    c = a * b
    out = tanh((c + 10.0) ** 2 / 20.0 + a * a) * c
    out.label = "loss"
    return out


def test_one_box_for_each_value_and_one_edge_for_each_operand_slot():
    x = Value(3.0, "x")
    source = viz.draw(x * x).source
    assert len(NODE.findall(source)) == 2
    assert EDGE.findall(source) == [("0", "1"), ("0", "1")]


def test_a_box_shows_label_data_and_gradient_before_any_backward_pass():
    x = Value(3.0, "x")
    y = x * x
    source = viz.draw(y).source
    assert ">x<" in source
    assert ">9<" in source
    assert ">6<" in source
    assert (x.grad, y.grad) == (0.0, 0.0)


def test_a_number_has_a_box_for_each_slot_and_no_gradient():
    x = Value(3.0, "x")
    source = viz.draw(2.0 * x + 2.0).source
    assert len(NODE.findall(source)) == 5
    gradients = re.findall(rf'COLOR="{palette.LIGHT["g"]}">([^<]+)<', source)
    assert [text for text in gradients if text != "gradient ∂C/∂·"] == ["2", "1", "1"]  # of x, the product, the sum


def test_inputs_shared_by_two_neurons_have_one_box_each():
    from autograd import vector

    inputs = vector([1.0, 2.0])
    a = affine([Value(1.0), Value(2.0)], inputs, Value(0.5))
    b = affine([Value(3.0), Value(4.0)], inputs, Value(0.5))
    assert len(NODE.findall(viz.draw(a + b).source)) == 2 + 6 + 3


def test_the_same_graph_gives_the_same_bytes_whatever_the_hash_seed():
    program = (
        "from autograd import Value, tanh\n"
        "import sys, viz\n"
        "x, w = [Value(float(k), f'x{k}') for k in range(5)], [Value(0.1 * k) for k in range(5)]\n"
        "y = tanh(sum((a * b for a, b in zip(w, x)), Value(0.5, 'b')))\n"
        "sys.stdout.buffer.write(viz.draw(y).source.encode())\n"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(runs) == 1


@pytest.mark.parametrize("wrong", [None, 3.0, "x", [Value(1.0)]])
def test_only_a_value_can_be_drawn(wrong):
    with pytest.raises(TypeError, match="a picture is drawn of a Value"):
        viz.draw(wrong)


@pytest.mark.parametrize("option", [{"digits": 0}, {"digits": True}, {"rankdir": "up"}, {"theme": "grey"}])
def test_an_unknown_option_is_refused_by_name(option):
    with pytest.raises(ValueError, match=next(iter(option))):
        viz.draw(small_graph(), **option)


def test_the_backward_picture_shows_each_contribution_and_sums_them():
    x = Value(3.0, "x")
    source = viz.draw_backward(x * x).source
    assert EDGE.findall(source) == [("1", "0"), ("1", "0")]
    assert [text(label) for label in re.findall(r"-> n0 \[label=<(<TABLE.*?/TABLE>)>", source)] == ["1 × 3 = 3"] * 2
    assert ">3 + 3 = 6<" in source


def test_negative_contributions_are_dashed_and_of_their_own_colour():
    x, y = Value(3.0, "x"), Value(2.0, "y")
    source = viz.draw_backward(x - y).source
    lines = {line.split(" [")[0].strip(): line for line in source.splitlines() if "->" in line}
    assert "style=dashed" in lines["n2 -> n1"]
    assert "style=dashed" not in lines["n2 -> n0"]
    assert f'color="{palette.LIGHT["n-fill"]}"' in lines["n2 -> n1"]
    assert f'color="{palette.LIGHT["g-fill"]}"' in lines["n2 -> n0"]


def test_focus_shows_the_paths_to_the_output_only():
    x, y = Value(3.0, "x"), Value(2.0, "y")
    z = x * y
    out = z + y * 2.0
    assert NODE.findall(viz.draw(out, focus=x).source) == ["0", "2", "5"]
    assert NODE.findall(viz.draw(out, focus=x, depth=1).source) == ["0", "2"]
    assert NODE.findall(viz.draw(out, depth=0).source) == ["5"]
    with pytest.raises(ValueError, match="focus"):
        viz.draw(out, focus=Value(1.0))


def test_too_many_boxes_are_refused_with_advice():
    x = Value(1.0)
    for _ in range(500):
        x = x + 1.0
    with pytest.raises(ValueError, match=r"1001 boxes are more than max_nodes = 400.*focus"):
        viz.draw(x, fold=False)


def chain(length: int) -> tuple[Value, Value]:
    x = Value(0.5, "x")
    out = x
    for _ in range(length):
        out = tanh(out * 1.5)
    out.label = "y"
    return x, out


def test_a_long_chain_is_one_box_whose_arrow_has_the_product_of_its_derivatives():
    x, out = chain(100)
    out.backward()
    source = viz.draw(out, digits=6).source
    assert len(NODE.findall(source)) == 3
    assert ">199 operations<" in source
    inner = Value(0.5)
    middle = inner
    for k in range(199):
        middle = tanh(middle) if k % 2 else middle * 1.5
    middle.backward()
    assert f">{viz.style.numeral(inner.grad, 6)}<" in source
    assert f">{viz.style.numeral(x.grad, 6)}<" in source
    backward = viz.draw_backward(out, digits=6).source
    assert len(EDGE.findall(backward)) == 2
    factors = (1.0 - out.data**2, inner.grad, x.grad)
    upstream, local, gradient = (viz.style.numeral(factor, 6) for factor in factors)
    assert f"{upstream} × {local}" in text(backward)
    assert f">{gradient}<" in backward


def test_a_number_stands_in_the_formula_of_its_operation():
    x = Value(3.0, "x")
    y = x * 2.0 - 5.0
    folded, whole = viz.draw(y, fold=True).source, viz.draw(y).source
    assert (len(NODE.findall(folded)), len(NODE.findall(whole))) == (3, 5)
    assert ">x · 2<" in folded


@pytest.mark.parametrize("draw", [viz.draw, viz.draw_backward])
def test_what_is_named_used_twice_or_in_focus_is_not_folded(draw):
    x, y = Value(2.0, "x"), Value(3.0, "y")
    assert draw(x * y + x, fold=True).source == draw(x * y + x).source
    links = [x]
    for _ in range(9):
        links.append(-links[-1])
    focused = draw(links[-1], focus=links[4], fold=True).source
    assert len(NODE.findall(focused)) == 3  # the focus, four operations, the output
    cut = draw(links[-1], focus=x, depth=5, fold=True).source
    assert len(NODE.findall(cut)) == 2  # x, five operations
    assert "5 operations" in cut
    used_twice = draw(-(links[4] + links[4]), fold=True).source
    assert len(NODE.findall(used_twice)) == 5  # x, three operations, the link, the sum, the output
    one_each = draw(links[4] * tanh(links[4]), fold=True).source
    assert len(EDGE.findall(one_each)) == 5  # x, three operations, the link, its tanh, the output
    links[4].label = "middle"
    assert len(NODE.findall(draw(links[-1], fold=True).source)) == 5


def test_folding_is_yes_no_or_by_size():
    with pytest.raises(ValueError, match="fold must be True, False or None, got 3"):
        viz.draw(Value(1.0), fold=3)

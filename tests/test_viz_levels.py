import random
import re

import pytest

import nn
import viz
import viz.style
from autograd import Value, affine, relu, sigmoid, tanh, total, vector
from viz import palette
from viz.level import neuron_level, value_level
from viz.network import draw_network
from viz.neurons import contracted, neurons

BOX = re.compile(r"^\t+([iun]\d+) \[", re.MULTILINE)
LINE = re.compile(r"^\t([iun]\d+) -> ([iun]\d+) \[(?!.*style=invis)", re.MULTILINE)


def dense(sizes, written, seed=0):
    """A network of Values without labels, written in one of three ways; returns the loss, inputs and outputs."""
    rng = random.Random(seed)
    value = lambda: Value(rng.uniform(-1.0, 1.0))  # noqa: E731  # a name for a draw
    a = inputs = [value() for _ in range(sizes[0])]
    for width in sizes[1:]:
        out = []
        shared = vector(a)
        for _ in range(width):
            w, b = [value() for _ in a], value()
            if written == "affine":
                z = affine(w, shared, b)
            elif written == "chain":
                z = sum((p * q for p, q in zip(w, a, strict=True)), b)
            else:
                z = b + total([q * p for p, q in zip(w, a, strict=True)][::-1])
            out.append(tanh(z))
        a = out
    return total([(d := y - 0.5) * d for y in a]), inputs, a


@pytest.mark.parametrize("written", ["affine", "chain", "total"])
def test_neurons_are_found_however_they_are_written(written):
    loss, inputs, outputs = dense((3, 4, 2), written)
    traced = viz.trace(loss)
    found = neurons(traced)
    assert [neuron.depth for neuron in found] == [1] * 4 + [2] * 2
    assert [len(neuron.weights) for neuron in found] == [3] * 4 + [4] * 2
    assert all(neuron.biases for neuron in found)
    assert {id(traced.nodes[neuron.out].value) for neuron in found[4:]} == {id(output) for output in outputs}
    assert {id(traced.nodes[s].value) for n in found[:4] for s in n.sources} == {id(x) for x in inputs}


@pytest.mark.parametrize("written", ["affine", "chain", "total"])
def test_contributions_between_neurons_add_up_to_the_engines_gradients(written):
    loss, _, _ = dense((3, 4, 4, 2), written)
    traced = viz.trace(loss)
    groups, edges = contracted(traced, neurons(traced))
    arrived = dict.fromkeys(range(len(groups)), 0.0)
    for edge in edges:
        assert edge.contribution == edge.upstream * edge.local
        arrived[edge.tail] += edge.contribution
    loss.backward()
    for k, group in enumerate(groups):
        node = traced.nodes[group.out]
        if node.index != traced.root:
            # sums of the same terms in another order: a few roundings of numbers near 1
            assert arrived[k] == pytest.approx(node.value.grad, rel=1e-12, abs=1e-14)


def test_a_graph_without_neurons_has_values_only():
    x = Value(2.0)
    assert neurons(viz.trace(x * x)) == ()
    assert neuron_level(viz.trace(x * x)) is None
    for level in ("neuron", "layer"):
        with pytest.raises(ValueError, match=f'level="{level}" needs neurons'):
            viz.draw(x * x, level=level)


def test_skips_and_other_nodes_between_neurons_survive():
    x = [Value(0.5), Value(-1.0)]
    h = [tanh(affine([Value(0.3), Value(0.2)], x, Value(0.1))) for _ in range(2)]
    s = h[0] * h[1] + x[0]  # between the layers, and a skip
    y = sigmoid(affine([Value(1.0), Value(2.0)], [s, h[0]], Value(0.0)))
    traced = viz.trace(y)
    level = neuron_level(traced)
    assert len(neurons(traced)) == 3
    by_source = {id(cell.source): k for k, cell in enumerate(level.cells)}
    y.backward()
    total_at = dict.fromkeys(range(len(level.cells)), 0.0)
    for flow in level.flows:
        total_at[flow.tail] += flow.size
    for value in (*x, *h, s):
        assert total_at[by_source[id(value)]] == pytest.approx(value.grad, rel=1e-12)


def test_auto_is_the_finest_level_that_can_be_read():
    small, _, _ = dense((2, 2, 1), "affine")
    wide, _, _ = dense((8, 20, 4), "affine")
    huge, _, _ = dense((60, 100, 10), "affine")
    count = lambda loss: len(BOX.findall(viz.draw(loss, level="auto").source))  # noqa: E731
    assert count(small) == len(viz.trace(small).nodes)
    assert count(wide) == 8 + 20 + 4 + 1
    assert viz.draw(huge, level="auto").drawn is not None
    assert viz.draw(wide, level="auto").drawn is None


@pytest.mark.parametrize("level", ["value", "neuron"])
def test_every_level_is_drawn_both_ways(level):
    loss, _, _ = dense((2, 3, 2), "chain")
    drawn = {"value": value_level, "neuron": neuron_level}[level](viz.trace(loss))
    for draw in (viz.draw, viz.draw_backward):
        source = draw(loss, level=level).source
        assert len(BOX.findall(source)) == len(drawn.cells)
        assert len(LINE.findall(source)) == len(drawn.flows)


# --- draw_network -------------------------------------------------------------------------------------


def test_a_model_has_a_box_for_each_neuron_and_a_line_for_each_weight():
    model = nn.MLP(3, [4, 2], seed=0)
    loss = nn.half_squared_error(model([0.5, -1.0, 0.25]), [0.0, 1.0])
    for source in (draw_network(model).source, draw_network(model, loss).source):
        assert len(BOX.findall(source)) == 3 + 4 + 2
        assert len(LINE.findall(source)) == 3 * 4 + 4 * 2


def test_each_neuron_shows_its_delta():
    model = nn.MLP(2, [2, 1], seed=0)
    loss = nn.half_squared_error(model([0.5, -1.0]), [0.3])
    source = draw_network(model, loss, digits=8).source
    loss.backward()
    for bias in model.biases[0].tolist():
        assert bias == 0.0
    for name, parameter in model.named_parameters():
        if name.startswith("b"):
            assert f">{viz.style.numeral(parameter.grad, 8)}<" in source


def test_a_batch_is_drawn_once_with_deltas_summed():
    model = nn.MLP(2, [3, 1], seed=0)
    rows, targets = [[0.5, -1.0], [1.0, 2.0], [-0.3, 0.1]], [[0.1], [0.2], [0.3]]
    losses = [nn.half_squared_error(model(x), t) for x, t in zip(rows, targets, strict=True)]
    loss = total(losses) / 3.0
    source = draw_network(model, loss, digits=6).source
    assert len(BOX.findall(source)) == 2 + 3 + 1
    loss.backward()
    assert f">{viz.style.numeral(dict(model.named_parameters())['b2[0]'].grad, 6)}<" in source
    assert "summed over the examples" in source


def test_a_network_that_never_saw_nn_is_drawn_from_its_loss():
    loss, _, _ = dense((3, 4, 2), "chain")
    source = draw_network(loss).source
    assert len(BOX.findall(source)) == 9
    assert len(LINE.findall(source)) == 20


def test_sign_is_shown_by_colour_and_by_dashes():
    x, w = [Value(1.0), Value(1.0)], [Value(-2.0, "minus"), Value(3.0, "plus")]
    source = draw_network(affine(w, x, Value(0.5)), weight="value").source
    lines = re.findall(r"\ti\d+ -> u0 \[(.*?)\]\n", source, re.DOTALL)
    assert ["dashed" in line for line in lines] == [True, False]
    assert palette.LIGHT["n-fill"] in lines[0]
    assert palette.LIGHT["v-fill"] in lines[1]
    widths = [float(re.search(r"penwidth=([\d.]+)", line)[1]) for line in lines]
    assert widths[0] < widths[1] == 4.0


def test_numbers_as_inputs_have_a_box_each_however_many_neurons_weigh_them():
    """A number that is used twice is two nodes; what neurons of a layer weigh is one input."""
    weights = [[Value(0.1 * (i + j + 1)) for j in range(2)] for i in range(3)]
    y = total([tanh(sum(w * x for w, x in zip(row, (0.5, -1.0), strict=True))) for row in weights])
    diagram = draw_network(y).diagram
    assert [box.rows[0][1].text for box in diagram.boxes if box.column == 0] == ["0.5", "−1"]
    assert len(diagram.arrows) == 6
    for draw in (viz.draw, viz.draw_backward):
        assert len(draw(y, level="neuron").diagram.boxes) == 2 + 3 + 1


def test_the_input_of_a_network_has_its_gradient_also_where_it_is_numbers():
    model, numbers = nn.MLP(3, [4, 2], activation="tanh", seed=0), [0.5, -1.0, 0.25]
    shown = []
    for x in (numbers, [Value(n) for n in numbers]):
        diagram = draw_network(model, nn.half_squared_error(model(x), [0.0, 1.0]), digits=8).diagram
        shown.append([[span.text for row in box.rows for span in row] for box in diagram.boxes if box.column == 0])
    assert shown[0] == shown[1]
    leaves = [Value(n) for n in numbers]
    nn.half_squared_error(model(leaves), [0.0, 1.0]).backward()
    assert [texts[-1] for texts in shown[0]] == [viz.style.numeral(leaf.grad, 8) for leaf in leaves]


def test_what_is_computed_between_layers_stands_between_them_with_lines_from_what_it_is_made_of():
    x = [Value(0.5, "x0"), Value(-1.0, "x1")]
    h = [tanh(affine([Value(0.3), Value(0.2)], x, Value(0.1))) for _ in range(2)]
    s = h[0] * 2.0 + x[0]  # what goes around
    s.label = "s"
    y = sigmoid(affine([Value(1.0), Value(2.0)], [s, h[1]], Value(0.0)))
    diagram = draw_network(y, digits=6).diagram
    column = {box.rows[0][0].text: box.column for box in diagram.boxes}
    assert column == {"x0": 0, "x1": 0, "neuron 1.0": 1, "neuron 1.1": 1, "s": 2, "neuron 2.0": 3}
    key = {box.rows[0][0].text: box.key for box in diagram.boxes}
    into = {(arrow.tail, arrow.head) for arrow in diagram.arrows if not arrow.label}
    assert into == {(key["x0"], key["s"]), (key["neuron 1.0"], key["s"])}
    y.backward()
    (box,) = (box for box in diagram.boxes if box.key == key["s"])
    assert [span.text for row in box.rows for span in row] == [
        "s", viz.style.numeral(s.data, 6), "+", viz.style.numeral(s.grad, 6),
    ]  # fmt: skip


def test_wrong_arguments_of_draw_network_are_named():
    model = nn.MLP(2, [1], seed=0)
    loss = nn.half_squared_error(model([1.0, 2.0]), [0.0])
    other = nn.MLP(2, [1], seed=1)
    with pytest.raises(TypeError, match="model or a Value"):
        draw_network(3.0)
    with pytest.raises(TypeError, match="loss must be a Value"):
        draw_network(model, 3.0)
    with pytest.raises(ValueError, match="weight"):
        draw_network(model, weight="grad")
    with pytest.raises(ValueError, match="weight"):
        draw_network(model, loss, weight="size")
    with pytest.raises(ValueError, match="no neurons of this model"):
        draw_network(other, loss)
    with pytest.raises(ValueError, match="max_nodes = 2"):
        draw_network(model, loss, max_nodes=2)
    with pytest.raises(ValueError, match="no neurons"):
        draw_network(Value(2.0) * 3.0)


def test_a_dead_neuron_says_so():
    model = nn.MLP(1, [1, 1], activation="relu", seed=0)
    model.weights = [[[1.0]], [[1.0]]]
    loss = nn.half_squared_error(model([-1.0]), [1.0])
    assert "dead ReLU" in draw_network(model, loss).source
    assert "dead ReLU" in viz.draw(relu(Value(-1.0))).source


def test_dot_gets_no_numbers_for_straight_lines_but_tooltips_with_them():
    model = nn.MLP(2, [2, 1], seed=0)
    loss = nn.half_squared_error(model([0.5, -1.0]), [1.0])
    source = viz.draw_network(model, loss).source
    lines = [line for line in source.splitlines() if " -> " in line and "invis" not in line]
    assert len(lines) == 6
    assert source.count("∂C/∂w = ") == 12  # of the line, and of what is drawn along it
    assert not any(" label=" in line or " xlabel=" in line for line in lines)


def test_of_a_crowd_of_lines_the_small_ones_are_pale():
    few, many = (draw_network(nn.MLP(10, [width], seed=0)).diagram.arrows for width in (10, 11))
    assert (len(few), len(many)) == (100, 110)
    assert {arrow.opacity for arrow in few} == {1.0}
    by_size = sorted(many, key=lambda arrow: arrow.width)
    shades = [arrow.opacity for arrow in by_size]
    assert shades == sorted(shades)
    assert 0.1 < shades[0] < 0.2 < 0.7 < shades[-1] < 0.75
    assert by_size[-1].width < max(arrow.width for arrow in few)

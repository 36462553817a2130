"""What a page computes, against the engine and against NumPy; run in node."""

import itertools
import json
import math
import random

import numpy as np
import pytest

import viz
from autograd import Op, Value, affine, logsumexp, ops, total
from autograd.lift.language.evaluate import Evaluator
from autograd.lift.language.term import Reduction, Reference, Softmax, walk
from tests.explorer_pages import CASES, NODE, Case, case, content_of, run, without_browser
from viz.explorer.data import content
from viz.explorer.operations import VALUES, can_run, javascript, ops_by_name
from viz.layers import found_network

pytestmark = pytest.mark.skipif(not NODE, reason="there is no node")

SAME = 1e-12  # relative: both add the same contributions in the same order, with functions of two libraries
ROUNDED = 2e-15  # a few units in the last place between the functions of V8 and of the C library

ENGINE = [name for name in CASES if name != "unstructured"]


def close(got, want, tolerance=SAME):
    return abs(got - want) <= tolerance * max(1.0, abs(want))


def test_every_primitive_has_its_javascript():
    primitives = {name for name in ops.__all__ if isinstance(getattr(ops, name), Op)}
    assert primitives - set(ops_by_name()) <= {"lgamma", "polygamma"}  # which freeze a page, and it says so
    assert set(VALUES) <= primitives


def test_every_value_and_every_derivative_is_that_of_the_engine():
    table = ops_by_name()
    points = {
        name: [*op.samples, *(kink.at for kink in op.at_kinks if None not in kink.partials)]
        for name, op in table.items()
    }
    arithmetic = (viz.explorer.page._text)("arithmetic.js")
    script = f"""
      {arithmetic}
      {javascript(table.values())}
      const points = {json.dumps(points)}, found = {{}};
      for (const [name, list] of Object.entries(points)) found[name] = list.map((a) => {{
        const out = value[name].length === 1 ? value[name](a) : value[name](...a);
        return [out, local[name](out, a)];
      }});
      console.log(JSON.stringify(found));
    """
    for name, found in run(script).items():
        for args, (value, partials) in zip(points[name], found, strict=True):
            op = table[name]
            want = op.evaluate(args)
            assert close(value, want, ROUNDED), (name, args)
            expected = [float(x) for x in op.locals(want, args)]
            for got, slope in zip(partials, expected, strict=True):
                assert got is None or close(got, slope, ROUNDED), (name, args)


def test_outside_its_domain_an_operation_gives_no_number():
    refused = [(name, args) for name, op in ops_by_name().items() for args in op.domain.refused if op.arity]
    script = f"""
      {viz.explorer.page._text("arithmetic.js")}
      {javascript(ops_by_name().values())}
      console.log(JSON.stringify({json.dumps(refused)}.map(([name, a]) => Number.isFinite(value[name](...a)))));
    """
    assert not any(run(script))


def replayed(root, changes):
    """The same graph with other leaves, recorded by the engine: its values and gradients by the nodes of the trace."""
    traced = viz.trace(root)
    made = []
    for node in traced.nodes:
        if node.op is None:
            new = changes.get(node.index, node.data)
            made.append(new if node.is_constant else Value(new))
        else:
            operands = [made[traced.edges[k].tail] for k in node.edges_in]
            made.append(node.op(operands) if node.op.arity is None else node.op(*operands))
    made[traced.root].backward()
    return made


@pytest.mark.parametrize("name", ENGINE)
def test_values_and_gradients_are_those_of_the_engine_also_after_ten_moves_of_sliders_and_ten_steps(name):
    root = case(name).root
    seed = random.Random(name).randrange(10**6)
    begun, moved, stepped = without_browser(
        case(name),
        f"""
        let seed = {seed};
        const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
        const leaf = () => model.leaves[Math.floor(random() * model.leaves.length)];
        const state = () => [[...model.tape.v], [...model.tape.g]], begun = state();
        for (let k = 0; k < 10; k++) model.put(leaf(), random() - 0.5);
        const moved = state();
        for (let k = 0; k < 10; k++) model.step(0.05);
        console.log(JSON.stringify([begun, moved, state()]));
        """,
    )
    for values, adjoints in (begun, moved, stepped):
        made = replayed(root, {} if values is begun[0] else dict(enumerate(values)))
        for k, node in enumerate(made):
            if isinstance(node, Value):
                assert close(values[k], node.data)
                assert close(adjoints[k], node.grad)


def compare_lens_with_numpy(graph):
    """Compare what the page computes for all that an equation's mark-up stands for; return the kinds of terms."""
    shown = content_of(graph)
    assert shown.sets, "there are equations for every one of these graphs"
    found = without_browser(
        graph,
        """
        if (model.network) model.choose(0);
        const numbers = (meaning) => { const m = model.numbers(meaning); return [m.r, m.c, [...m.d]]; };
        console.log(JSON.stringify(model.set.meanings.map(numbers)));
        """,
    )
    notation = shown.sets[0]
    assert len(notation.json["meanings"]) == len(notation.meanings) == len(found)
    evaluator = Evaluator(dict(notation.equations.numbers))
    for (meaning, line), (rows, columns, numbers) in zip(notation.meanings, found, strict=True):
        own = [axis for axis in (meaning.row, meaning.column) if axis is not None]
        others = sorted(meaning.term.free - set(own), key=notation.equations.axis)
        axes = [*others, *own] if len(own) != 1 or meaning.column is not None else [*others[1:], *own, *others[:1]]
        place = {axis: np.arange(axis.size) for axis in axes}
        if line.within and line.within[0] in place:
            axis, low, high = line.within
            place[axis] = np.arange(low, high + 1)
        want = evaluator.term(meaning.term, list(place.items()))
        want = np.broadcast_to(want, [len(own) for own in place.values()])
        assert rows * columns == want.size
        assert columns == (1 if len(axes) < 2 and meaning.column is None else want.shape[-1])
        got = np.array(numbers)
        assert np.all(np.abs(got - want.ravel()) <= SAME * np.maximum(1.0, np.abs(want.ravel())))
    return {type(each) for meaning, _ in notation.meanings for each in walk(meaning.term)}


@pytest.mark.parametrize("name", ENGINE)
def test_the_lens_shows_what_numpy_computes_for_every_term(name):
    compare_lens_with_numpy(case(name))


def named(name, count, first=0.3):
    return [Value(first - 0.37 * k + 0.11 * (k * k % 5), f"{name}[{k}]") for k in range(count)]


def windows():
    """A correlation, whose adjoint reads shifted places."""
    w, x = named("w", 3), named("x", 7)
    z = [total([a * b for a, b in zip(w, x[p : p + 3], strict=True)]).tanh() for p in range(5)]
    return Case(total([v * v for v in z]), {"inputs": {"x": x}})


def causal():
    """Softmax over all that is not after a position: a family with a mask."""
    q, v = [[Value(0.2 * i - 0.3 * k, f"q[{i},{k}]") for k in range(2)] for i in range(4)], named("v", 4)
    out = []
    for t in range(4):
        scores = [total([a * b for a, b in zip(q[t], q[s], strict=True)]).exp() for s in range(t + 1)]
        norm = total(scores)
        out.append(total([s / norm * v[k] for k, s in enumerate(scores)]))
    return Case(total([o * o for o in out]), {"inputs": {"v": v}})


def scattered():
    """Sums of members without a rule: tables of indices."""
    x = named("x", 9)
    picked = [(0, 5, 7), (3, 1, 8), (2, 2, 6), (8, 4, 0)]
    return Case(total([(x[a] * x[b] + x[c]).tanh() for a, b, c in picked]))


def weighted_by_numbers():
    """Numbers of the graph as an array, of which one is 0."""
    w = named("w", 4)
    rows = ((0.3, 0.0, 1.7, 2.1), (1.1, 0.4, 0.9, 0.2))
    return Case(total([logsumexp([c * v for c, v in zip(row, w, strict=True)]) for row in rows]))


@pytest.mark.parametrize(
    ("made", "kinds"),
    [
        (windows, {Reduction}),
        (causal, {Softmax}),
        (scattered, {Reference}),
        (weighted_by_numbers, {Softmax, Reduction}),
    ],
)
def test_so_it_does_for_terms_with_windows_masks_and_tables(made, kinds):
    assert kinds <= compare_lens_with_numpy(made())


@pytest.mark.parametrize(
    "name",
    ["small", "wide", "digit", "deep", "residual", "residual_layers", "residual_blocks", "joined", "batch"],
)
def test_equations_and_picture_show_the_same_numbers(name):
    """Blocks are read from the graph of scalars, arrays are computed by the equations: two ways to one number."""
    found = without_browser(
        case(name),
        """
        model.choose(0);
        const part = (d, k, n) => (k < 0 ? [...d] : [...d.slice(k * n, (k + 1) * n)]);
        const pairs = model.set.families.flatMap((f, n) => Object.entries(f.blocks || {}).map(([key, k]) => {
          const { d } = model.blocks[key];
          return [key, part(model.arrays[0][n], k, d.length), [...d]];
        }));
        console.log(JSON.stringify(pairs));
        """,
    )
    assert {"z1", "delta1"} <= {block for block, _, _ in found}
    for _, by_equation, by_scalars in found:
        assert np.allclose(by_equation, by_scalars, rtol=SAME, atol=1e-14)


def test_the_mean_of_a_batch_has_the_gradient_of_the_mean():
    total, single = without_browser(
        case("batch"),
        """
        const gradient = (k) => { model.choose(k); return [...model.blocks.dW1.d]; };
        console.log(JSON.stringify([gradient(-1), [0, 1, 2, 3].map(gradient)]));
        """,
    )
    assert np.allclose(total, np.mean(single, axis=0), rtol=SAME)
    assert not np.allclose(total, single[0])


@pytest.mark.parametrize("name", ENGINE)
def test_the_clock_makes_every_step_of_the_engine_once_and_nothing_before_what_it_needs(name):
    root = case(name).root
    traced = viz.trace(root)
    phases, steps = without_browser(
        case(name),
        """
        const steps = clock.steps.map((s) => (s === null ? null : typeof s === "number" ? s : [s.head, s.slot]));
        console.log(JSON.stringify([clock.phases.map((p) => [p.key, p.at, p.end]), steps]));
        """,
    )
    assert all(first[2] == second[1] for first, second in itertools.pairwise(phases))
    nodes = [s for s in steps if isinstance(s, int)]
    assert sorted(nodes) == [node.index for node in traced.nodes if node.op]
    edges = [tuple(s) for s in steps if isinstance(s, list)]
    assert len(set(edges)) == len(edges)
    network = found_network(traced)
    asked = {node for example in network.examples for node in example.inputs} if network else set()  # also of numbers
    assert set(edges) == {(edge.head, edge.slot) for edge in traced.edges if edge.step or edge.tail in asked}
    if network is None and name not in ("expression", "one_neuron"):
        return  # their steps are shared out evenly over the equations, in the engine's order
    position = {step: k for k, step in enumerate(nodes)}
    for index in nodes:
        tails = [traced.edges[k].tail for k in traced.nodes[index].edges_in]
        assert all(position[index] > position[tail] for tail in tails if tail in position)
    order = {edge: k for k, edge in enumerate(edges)}
    for edge in traced.edges:
        if edge.step:  # what a head hands on is complete
            arriving = [traced.edges[k] for k in traced.nodes[edge.head].edges_out if traced.edges[k].step]
            assert all(order[edge.head, edge.slot] > order[each.head, each.slot] for each in arriving)


SUMS = {
    "x·y+x": lambda x, a, b, c: x * a + x,
    "(a+b)·a": lambda x, a, b, c: (a + b) * a,
    "a·b+a·c": lambda x, a, b, c: a * b + a * c,
    "x·x+2x": lambda x, a, b, c: x * x + 2.0 * x,
}


@pytest.mark.parametrize("made", SUMS.values(), ids=SUMS)
def test_lines_of_small_sums_do_not_cross(made):
    root = made(*(Value(v, n) for v, n in ((2.0, "x"), (3.0, "a"), (5.0, "b"), (7.0, "c"))))
    crossings = without_browser(
        Case(root),
        """
        const t = model.tape, edges = t.edges.map((e) => [e.tail, e.head]);
        edges.sort((a, b) => a[1] - b[1]);
        const ids = [...Array(t.n).keys()];
        const gaps = { line: 16, node: 20, rank: 80, port: 20, stub: 0 };
        console.log(layeredLayout(ids, edges, () => [100, 60], gaps).crossings);
        """,
    )
    assert crossings == 0


def test_an_operation_of_the_users_own_freezes_the_numbers_and_keeps_them_right():
    cube = Op("cube", forward=lambda x: x**3, partials=(lambda out, x: 3.0 * x**2,))
    x = Value(2.0, "x")
    root = cube(x) * x
    assert not can_run(cube)
    adjoints, frozen = without_browser(
        Case(root), "console.log(JSON.stringify([[...model.tape.g], model.tape.frozen]));"
    )
    assert frozen == "cube"
    assert adjoints[viz.trace(root).nodes[0].index] == 32.0


def test_another_operation_of_a_primitives_name_is_not_taken_for_it():
    tanh = Op("tanh", forward=lambda x: x, partials=(lambda out, x: 1.0,))
    assert not can_run(tanh)
    assert content(viz.trace(tanh(Value(2.0))), {}).frozen == "tanh"


def test_numbers_read_as_in_the_other_pictures():
    from viz.style import numeral

    numbers = [0.0, 1.0, -1.0, 0.1 + 0.2, 123456.789, 1e-5, -2.5e-7, 9999.5, 99995.0, math.pi, 1e300]
    text = viz.explorer.page._text("text.js")
    found = run(f"{text}\nconsole.log(JSON.stringify({json.dumps(numbers)}.map((x) => show(x))));")
    assert found == [numeral(x) for x in numbers]


def test_a_weight_that_is_used_twice_makes_no_layers():
    w, x = Value(0.5, "w"), [Value(1.0, "x0"), Value(2.0, "x1")]
    root = affine([w, w], x, 0.0).tanh()
    assert content(viz.trace(root), {}).network is None


@pytest.mark.parametrize(
    ("name", "sums", "around"),
    [
        ("residual", {"in3": ["a1", "a2"]}, {"in3": ["a1"]}),
        ("residual_layers", {"in2": ["x", "a1"], "in3": ["in2", "a2"], "in4": ["in3", "a3"]}, {"in2": ["x"]}),
        ("residual_blocks", {"in4": ["a1", "a3"], "in6": ["in4", "a5"], "loss": ["in6", "a6"]}, {"in4": ["a1"]}),
        ("joined", {"in2": ["a1", "x"]}, {"in2": ["x"]}),
    ],
)
def test_what_goes_around_a_layer_is_found_and_its_gradient_is_what_the_engine_adds(name, sums, around):
    """∂C/∂ of what goes around is what comes through the layer plus what comes around it."""
    traced = viz.trace(case(name).root)
    joins = without_browser(
        case(name),
        """
        const nodes = (key) => Array.from({ length: model.blocks[key].r }, (_, i) => model.node(key, i));
        const back = (join) => (key) => [key, [...model.blocks[`${join.key}>${key}`].d], nodes(key)];
        console.log(JSON.stringify(model.joins.map((join) => [join.key, join.parts, join.around.map(back(join))])));
        """,
    )
    assert {key: parts for key, parts, _ in joins} == sums
    assert {key: [k for k, *_ in own] for key, _, own in joins if key in around} == around
    layers = found_network(traced).examples[0].members
    inside = {member for layer in (layers[:1] if name == "joined" else layers) for own in layer for member in own}
    for contributions, nodes in (parts for _, _, own in joins for _, *parts in own):
        for got, node in zip(contributions, nodes, strict=True):
            arriving = (traced.edges[k] for k in traced.nodes[node].edges_out)
            assert close(got, sum(edge.contribution for edge in arriving if edge.head not in inside))

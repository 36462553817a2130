import json
import math
import random

import pytest

import viz
from autograd import Value, affine, logsumexp, relu, sigmoid, tanh, total, vector


def random_graph(seed: int) -> tuple[Value, list[Value]]:
    rng = random.Random(seed)
    leaves = [Value(rng.uniform(0.5, 2.0), f"x{k}") for k in range(4)]
    pool = list(leaves)
    shared = vector([*leaves[:2], 1.5])
    for _ in range(40):
        a, b = rng.choice(pool), rng.choice(pool)
        c = rng.uniform(0.5, 2.0)
        made = [
            lambda a, b, c: tanh(a * b),
            lambda a, b, c: a - b,
            lambda a, b, c: a / c,
            lambda a, b, c: c / (b * b + 1.0),
            lambda a, b, c: relu(a) + 2.0 * b,
            lambda a, b, c: affine(shared, [a, b, c], b),
            lambda a, b, c: logsumexp([a, b, c, a]),
            lambda a, b, c: total([a, a, b, 1.0]) * 0.1,
            lambda a, b, c: tanh(a) ** 2.0,
            lambda a, b, c: -sigmoid(a),
        ]
        pool.append(rng.choice(made)(a, b, c))
    return total(pool[-10:]), leaves


@pytest.mark.parametrize("seed", range(20))
def test_adjoints_equal_the_engine_bit_for_bit(seed):
    out, _ = random_graph(seed)
    traced = viz.trace(out)
    out.backward()
    for node in traced.nodes:
        if not node.is_constant:
            assert node.adjoint == node.value.grad


@pytest.mark.parametrize("seed", range(5))
def test_contributions_are_upstream_times_local_and_add_up(seed):
    traced = viz.trace(random_graph(seed)[0])
    for node in traced.nodes:
        sum_so_far = 1.0 if node.index == traced.root else 0.0
        for edge in (traced.edges[k] for k in node.edges_out):
            if edge.step:
                assert edge.before == sum_so_far
                assert edge.contribution == edge.upstream * edge.local
                sum_so_far += edge.contribution
                assert edge.after == sum_so_far
    assert [edge.step for edge in traced.steps] == list(range(1, len(traced.steps) + 1))


def test_a_head_hands_on_only_when_its_own_sum_is_complete():
    traced = viz.trace(random_graph(1)[0])
    last_arrival = {edge.tail: edge.step for edge in traced.steps}
    for edge in traced.steps:
        assert last_arrival.get(edge.head, 0) < edge.step


def test_no_gradient_changes():
    x = Value(3.0)
    y = x * x
    y.backward()
    viz.trace(y * x)
    assert (x.grad, y.grad) == (6.0, 1.0)


def test_a_forgotten_zero_grad_is_visible():
    x = Value(3.0, "x")
    for _ in range(2):
        y = x * 1.0 + 2.0 * x
        y.backward()
    (node,) = [node for node in viz.trace(y).nodes if node.label == "x"]
    assert node.remark == "6 = this pass 3 + earlier 3"


def test_an_earlier_gradient_is_visible_before_the_pass():
    x = Value(3.0, "x")
    (x * 5.0).backward()
    (node,) = [node for node in viz.trace(x * 3.0).nodes if node.label == "x"]
    assert node.remark == "5 from earlier; this pass adds 3"


def test_names_label_the_unlabelled_and_show_the_unused():
    x, w, forgotten = Value(1.0), [Value(2.0), Value(3.0, "kept")], Value(4.0)
    y = x * w[0] + w[1]
    nodes = viz.trace(y, {"x": x, "w": w, "forgotten": forgotten, "y": y, "other": 3}).nodes
    assert [node.name for node in nodes] == ["x", "w[0]", "v3", "kept", "y", "forgotten"]
    assert nodes[-1].badges == ("unused",)


def badges_of(out: Value) -> dict[str, tuple[str, ...]]:
    return {node.name: node.badges for node in viz.trace(out).nodes if node.badges}


def test_badges_name_what_stops_or_blows_up_a_gradient():
    x = Value(-1.0, "x")
    assert badges_of(relu(x)) == {"v2": ("dead ReLU",)}
    assert badges_of(tanh(x * 4.0)) == {"v4": ("saturated",)}
    assert badges_of(x * 1e-8)["x"] == ("vanishing",)
    assert badges_of(x * 1e8)["x"] == ("exploding",)
    assert badges_of(tanh(x)) == {}


def test_a_derivative_that_is_undefined_is_shown_not_raised():
    x = Value(0.0, "x")
    y = x.sqrt()
    traced = viz.trace(y)
    assert math.isnan(traced.nodes[0].adjoint)
    assert traced.nodes[0].badges == ("undefined",)
    with pytest.raises(ArithmeticError):
        y.backward()


def test_a_chain_of_ten_thousand_is_traced_without_recursion():
    x = Value(1.0)
    y = x
    for _ in range(10_000):
        y = y + 1.0
    assert len(viz.trace(y).steps) == 10_000


def test_a_sum_of_1100_terms_has_an_edge_for_each():
    assert len(viz.trace(total([Value(1.0) for _ in range(1100)])).edges) == 1100


def test_a_changed_leaf_is_refused_as_in_the_engine():
    x = Value(1.0)
    y = x * 2.0
    x.data = 5.0
    with pytest.raises(RuntimeError, match="assigned"):
        viz.trace(y)


def test_every_edge_has_its_rule_as_text_and_pictures_and_data_carry_it(tmp_path):
    x, w = Value(3.0, "x"), Value(2.0, "w")
    y = (x * w).tanh()
    y.label = "y"
    traced = viz.trace(y)
    assert [traced.rules(node.index) for node in traced.nodes] == [[], [], ["w", "x"], ["1 − y²"]]
    for source in (viz.draw(y).source, viz.draw_backward(y).source):
        assert "∂v3/∂x = w = 2" in source
    saved = json.loads(viz.save(traced, tmp_path / "trace.json").read_text(encoding="utf-8"))
    assert [edge["rule"] for edge in saved["edges"]] == ["1 − y²", "w", "x"]

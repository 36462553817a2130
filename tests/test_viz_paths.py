"""The picture of an explanation highlights the listed paths over the others."""

import re

import pytest

import viz
from autograd import Value, explain

EDGE = re.compile(r"^\tn(\d+) -> n(\d+) \[(.*)$", re.MULTILINE)


def example():
    x = Value(2.0, "x")
    out = x * 5.0 + (x * -3.0).tanh() + x.sin()
    out.label = "out"
    return out, x


def test_every_edge_between_wrt_and_output_is_drawn_once_and_numbers_are_left_out():
    out, x = example()
    edges = EDGE.findall(viz.draw_paths(explain(out, x)).source)
    assert len(edges) == 8
    boxes = re.findall(r"^\tn\d+ \[", viz.draw_paths(explain(out, x)).source, re.MULTILINE)
    assert len(boxes) == 7


def test_edges_of_listed_paths_carry_the_sum_through_them():
    out, x = example()
    source = viz.draw_paths(explain(out, x, top=1)).source
    labels = [re.sub("<[^>]*>", "", label) for label in re.findall(r"-> n\d+ \[label=<(<TABLE.*?/TABLE>)>", source)]
    assert "5 (5)" in labels
    assert sum("(5)" in label for label in labels) == 3  # x → product → sum → output
    assert "on no listed path" in source


def test_text_and_picture_call_a_value_the_same():
    out, x = example()
    found = explain(out, x)
    source = viz.draw_paths(found).source
    for step in found.paths[0].steps:
        assert f"∂{found.name(step.node)}/∂{found.name(step.operand)}" in source


def test_negative_paths_are_dashed():
    x = Value(2.0, "x")
    assert "dashed" in viz.draw_paths(explain(x * -3.0, x)).source
    assert "dashed" not in viz.draw_paths(explain(x * 3.0, x)).source


def test_a_large_graph_shows_the_listed_paths_only():
    x = Value(1.0, "x")
    out = x * 2.0
    for _ in range(20):
        out = out + x.sin()
    figure = viz.draw_paths(explain(out, x, top=1), max_nodes=30)
    assert len(re.findall(r"^\tn\d+ \[", figure.source, re.MULTILINE)) <= 30
    with pytest.raises(ValueError, match="explain fewer paths"):
        viz.draw_paths(explain(out, x, top=1), max_nodes=1)


def test_bad_arguments_are_refused_and_no_grad_changes():
    out, x = example()
    x.grad = 7.0
    viz.draw_paths(explain(out, x))
    assert x.grad == 7.0
    with pytest.raises(TypeError, match="needs what autograd"):
        viz.draw_paths(out)
    with pytest.raises(ValueError, match="theme must be"):
        viz.draw_paths(explain(out, x), theme="green")

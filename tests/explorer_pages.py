"""Graphs of every kind that a page has to show, and the scripts of a page to run without a browser."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

import nn
import viz
from autograd import Value, affine, relu, sigmoid, tanh, total
from viz.explorer.data import Content, content
from viz.explorer.operations import javascript
from viz.explorer.page import SCRIPTS

NODE = shutil.which("node")


@dataclass(frozen=True, eq=False)
class Case:
    """A graph and the options of its page."""

    root: Value
    options: dict[str, Any] = field(default_factory=dict)


def leaves(values: Any, name: str) -> list[Value]:
    return [Value(float(x), f"{name}[{k}]") for k, x in enumerate(values)]


def matrix(name: str, rows: int, columns: int, rng: np.random.Generator) -> list[list[Value]]:
    numbers = 0.6 * rng.normal(size=(rows, columns))
    return [[Value(float(x), f"{name}[{i},{j}]") for j, x in enumerate(row)] for i, row in enumerate(numbers)]


def product(W: list[list[Value]], x: list[Any]) -> list[Value]:
    return [total([w * v for w, v in zip(row, x, strict=True)]) for row in W]


def one_neuron() -> Case:
    w, b = leaves([0.5, -1.0], "w"), Value(0.25, "b")
    return Case(0.5 * (tanh(w[0] * 2.0 + w[1] * 1.5 + b) - 1.0) ** 2)


def expression() -> Case:
    x, y = Value(2.0, "x"), Value(3.0, "y")
    z = x * y + x
    z.label = "z"
    return Case(z)


def small() -> Case:
    model = nn.MLP(2, [2, 1], activation="tanh", seed=0)
    return Case(nn.half_squared_error(model(leaves([0.5, -1.0], "x")), [1.0]))


def three_layers() -> Case:
    model = nn.MLP(4, [8, 6, 1], activation="tanh", seed=3)
    return Case(nn.half_squared_error(model(leaves([0.1, -0.4, 0.5, 0.15], "x")), [1.0]))


def wide() -> Case:
    model = nn.MLP(2, [16, 16, 1], activation="tanh", output_activation="sigmoid", seed=1)
    return Case(nn.binary_cross_entropy(model(leaves([0.8, -0.6], "x")), [1.0]))


def digit() -> Case:
    data = nn.data.load_digits()
    model = nn.MLP(64, [30, 10], activation="tanh", seed=0)
    target = nn.one_hot(data.y[1202:1203], 10)[0]
    loss = nn.cross_entropy(model(leaves(data.X[1202], "x")), list(target))
    return Case(loss, {"image": (8, 8), "classes": [str(k) for k in range(10)]})


def deep() -> Case:
    model = nn.MLP(3, [*[4] * 9, 2], activation="tanh", seed=1)
    return Case(nn.half_squared_error(model(leaves([0.3, -0.2, 0.8], "x")), [1.0, 0.0]))


def deep_and_broad() -> Case:
    model = nn.MLP(104, [21, 10, 10, 8, 8, 3], activation="relu", seed=1)
    x = np.random.default_rng(0).normal(size=104)
    return Case(nn.cross_entropy(model(leaves(x, "x")), [1.0, 0.0, 0.0]))


def very_deep() -> Case:
    model = nn.MLP(3, [*[4] * 23, 1], activation="tanh", seed=1)
    return Case(nn.half_squared_error(model(leaves([0.3, -0.2, 0.8], "x")), [1.0]))


def broad() -> Case:
    model = nn.MLP(4, [40, 40, 3], activation="tanh", seed=1)
    return Case(nn.half_squared_error(model(leaves([0.3, -0.2, 0.8, 0.1], "x")), [1.0, 0.0, 1.0]))


def residual() -> Case:
    rng = np.random.default_rng(5)
    W1, W2, W3 = matrix("W1", 4, 3, rng), matrix("W2", 4, 4, rng), matrix("W3", 1, 4, rng)
    x, t = leaves(rng.normal(size=3), "x"), leaves([0.4], "t")
    a1 = [tanh(z) for z in product(W1, x)]
    a2 = [tanh(z) for z in product(W2, a1)]
    a3 = product(W3, [p + q for p, q in zip(a1, a2, strict=True)])
    return Case(0.5 * (a3[0] - t[0]) ** 2, {"inputs": {"x": x, "t": t}})


def dense(l: int, rows: int, x: list[Any], rng: np.random.Generator) -> list[Any]:
    W, b = matrix(f"W{l}", rows, len(x), rng), leaves(0.1 * rng.normal(size=rows), f"b{l}")
    return [affine(w, x, v) for w, v in zip(W, b, strict=True)]


def residual_layers() -> Case:
    """Every hidden layer adds what it computes to what it is given: x + f(x)."""
    rng = np.random.default_rng(5)
    a = leaves(rng.normal(size=4), "x")
    for l in (1, 2, 3):
        a = [p + tanh(q) for p, q in zip(a, dense(l, 4, a, rng), strict=True)]
    return Case(nn.half_squared_error(dense(4, 1, a, rng), [0.4]))


def residual_blocks() -> Case:
    """A skip around two layers at a time, and a function after the sum; the cost reads a hidden layer, too."""
    rng = np.random.default_rng(8)
    a = [relu(z) for z in dense(1, 4, leaves(rng.normal(size=3), "x"), rng)]
    for l in (2, 4):
        inner = [relu(z) for z in dense(l, 5, a, rng)]
        a = [relu(p + 0.5 * q) for p, q in zip(a, dense(l + 1, 4, inner, rng), strict=True)]
    return Case(nn.half_squared_error(dense(6, 2, a, rng), [0.4, -0.2]) + 0.01 * total([v * v for v in a]))


def joined() -> Case:
    """A network whose second layer weighs the first one's answers and the inputs once more."""
    rng = np.random.default_rng(6)
    W = [matrix("W1", 3, 2, rng), matrix("W2", 2, 5, rng)]
    b = [leaves(0.1 * rng.normal(size=n), f"b{k + 1}") for k, n in enumerate((3, 2))]
    x = leaves([0.5, -1.0], "x")
    a1 = [tanh(affine(w, x, v)) for w, v in zip(W[0], b[0], strict=True)]
    return Case(nn.half_squared_error([affine(w, [*a1, *x], v) for w, v in zip(W[1], b[1], strict=True)], [1.0, 0.0]))


def attention() -> Case:
    rng = np.random.default_rng(7)
    Q, K, V = (matrix(name, 2, 2, rng) for name in "QKV")
    tokens = [leaves(rng.normal(size=2), f"x{k}") for k in range(3)]
    q, k, v = ([product(W, token) for token in tokens] for W in (Q, K, V))
    outputs = []
    for query in q:
        scores = [total([a * b for a, b in zip(query, key, strict=True)]).exp() for key in k]
        norm = total(scores)
        outputs.append([total([s / norm * value[d] for s, value in zip(scores, v, strict=True)]) for d in range(2)])
    return Case(
        total([(o - 0.5) ** 2 for row in outputs for o in row]),
        {"inputs": {"x": [leaf for token in tokens for leaf in token]}},
    )


def lstm() -> Case:
    rng = np.random.default_rng(0)
    gates = {g: (matrix(f"W{g}", 2, 1, rng), matrix(f"U{g}", 2, 2, rng)) for g in "fioc"}
    h, c = leaves([0.0, 0.0], "h0"), leaves([0.0, 0.0], "c0")
    for _ in range(4):
        x = [float(rng.normal())]
        z = {g: [p + q for p, q in zip(product(W, x), product(U, h), strict=True)] for g, (W, U) in gates.items()}
        f, i, o = ([sigmoid(v) for v in z[g]] for g in "fio")
        new = [tanh(v) for v in z["c"]]
        c = [a * b + p * q for a, b, p, q in zip(f, c, i, new, strict=True)]
        h = [a * tanh(b) for a, b in zip(o, c, strict=True)]
    return Case(total([v * v for v in h]))


def batch() -> Case:
    X, T = [[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]]
    model = nn.MLP(2, [3, 1], activation="tanh", output_activation="sigmoid", seed=2)
    rows = [leaves(x, f"x{k}") for k, x in enumerate(X)]
    losses = [nn.binary_cross_entropy(model(x), t) for x, t in zip(rows, T, strict=True)]
    return Case(total(losses) / 4.0, {"examples": ["0 xor 0", "0 xor 1", "1 xor 0", "1 xor 1"]})


def unstructured(count: int = 20_000) -> Case:
    rng = np.random.default_rng(1)
    values = [Value(float(x)) for x in rng.normal(size=50)]
    while len(values) < count:
        a, b = (values[k] for k in rng.integers(max(0, len(values) - 400), len(values), 2))
        values.append(tanh(a) if len(values) % 3 else tanh(a + b * 0.5))
    return Case(total(values[-300:]))


CASES = {
    "expression": expression, "one_neuron": one_neuron, "small": small, "three_layers": three_layers, "wide": wide,
    "digit": digit, "deep": deep, "very_deep": very_deep, "deep_and_broad": deep_and_broad, "broad": broad,
    "residual": residual,
    "residual_layers": residual_layers, "residual_blocks": residual_blocks, "joined": joined, "attention": attention,
    "lstm": lstm, "batch": batch, "unstructured": unstructured,
}  # fmt: skip


@cache
def case(name: str) -> Case:
    return CASES[name]()


@cache
def page_of(name: str) -> str:
    return str(viz.to_html(case(name).root, **case(name).options))


@cache
def content_of(case: Case) -> Content:
    """What the page of a graph shows."""
    traced = viz.trace(case.root)
    index = {id(node.value): node.index for node in traced.nodes if node.value is not None}
    inputs = case.options.get("inputs") or {}
    return content(traced, {name: [index[id(leaf)] for leaf in own] for name, own in inputs.items()})


@cache
def modules_of(case: Case) -> str:
    """The page's own modules without those that draw, with its numbers."""
    shown, folder = content_of(case), files("viz.explorer")
    own = SCRIPTS[: SCRIPTS.index("stage")]
    modules = [folder.joinpath(f"{name}.js").read_text(encoding="utf-8") for name in ("arithmetic", *own)]
    modules.insert(1, javascript(shown.ops))
    modules.append(f"const data = {json.dumps(shown.json)}, model = new Model(data), clock = new Clock(model);")
    return "\n".join(modules)


def without_browser(case: Case, script: str) -> Any:
    """Run JavaScript after the page's own modules, with the page's `model` and `clock`, and return what it prints."""
    return run(f"{modules_of(case)}\n{script}")


def run(script: str) -> Any:
    """Run a script in node and return the JSON that it prints."""
    assert NODE
    done = subprocess.run([NODE, "-"], input=script, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)

"""The printed equations, read and computed by a reader of its own, give the engine's loss and gradients."""

import importlib
import re

import numpy as np
import pytest

from autograd.lift import compile, lift
from autograd.lift.write.notation import NOTATIONS
from nn.loss.losses import LOSSES
from nn.model.activations import ACTIVATIONS
from tests.equation_graphs import (
    GRAPHS,
    example,
    kalman_filter,
    parts_of_several_arrays,
    random_graph,
    repeated_number,
    row_of,
)
from tests.equation_programs import program_of
from tests.printed_equations import MisreadError, Page, Reader
from tests.read_back import require_that_layers_hold, require_that_the_text_holds, rows_of
from tests.sampled import sampled

SHOWN = ("half_squared_error", "binary_cross_entropy")  # in the documents, and so in the letters of each
UNCOVERED = (159, 331, 380, 416, 572, 590, 601, 721, 1190, 1224, 1881, 2010, 2022, 2157, 2396)  # faults, each of them
QUICK = {*range(5), 65, 86, 91, *UNCOVERED}


@pytest.mark.parametrize(
    ("loss", "notation"),
    [
        pytest.param(loss, notation, marks=() if notation == "superscript" or loss in SHOWN else pytest.mark.slow)
        for loss in LOSSES
        for notation in NOTATIONS
    ],
)
def test_the_text_of_every_loss_holds_in_every_notation(loss, notation):
    output = "sigmoid" if loss == "binary_cross_entropy" else "identity"
    program, row = example(loss, ("sigmoid", output), l2=0.1)
    require_that_layers_hold(program, row, notation)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_text_of_every_activation_and_its_rule_hold(activation):
    for activations in ((activation, activation), (activation, "tanh")):
        program, row = example("half_squared_error", activations)
        require_that_layers_hold(program, row)


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("sizes", [(3, 4, 1), (1, 4, 1), (3, 1, 2), (1, 1, 1)])
def test_layers_of_one_neuron_and_of_one_input_are_vectors(sizes, notation):
    program = program_of(sizes=sizes, l2=0.1)
    row = {"x": np.linspace(0.2, -0.7, sizes[0]), "t": np.linspace(0.1, 0.5, sizes[-1])}
    text = program.equations(notation)
    assert "𝟏" not in text
    require_that_layers_hold(program, row, notation, text)


@pytest.mark.parametrize("name", ["bce_by_hand", "deep", "mlp", "tied"])
def test_layers_of_ones_own_hold_in_every_notation(name):
    module = importlib.import_module(f"tests.gallery.{name}")
    program, rows = compile(module.fun), rows_of(module)
    program.value(**rows)
    for notation in NOTATIONS:
        require_that_layers_hold(program, {each: values[1] for each, values in rows.items()}, notation)


@pytest.mark.parametrize("name", ["lstm", "attention", "one_probability"])
def test_what_is_no_chain_of_layers_keeps_its_names_in_the_letters_of_a_notation(name):
    module = importlib.import_module(f"tests.gallery.{name}")
    program = compile(module.fun)
    program.value(**rows_of(module))
    own, text = program.equations(), program.equations("epsilon")
    page = own.partition("\n\n")[0].replace("∂C", "∂J").replace("C = ", "J = ").replace("δ", "ε")
    assert text.partition("\n\n")[0] == page
    assert "εv is ∂J/∂v" in text


@pytest.mark.parametrize("graph", sampled(GRAPHS, 3), ids=lambda graph: graph.__name__)
def test_the_text_of_other_graphs_holds(graph):
    cost, inputs = graph(np.random.default_rng(5))
    program, row = lift(cost, inputs), row_of(inputs)
    if program.derivation_in_layers is None:
        require_that_the_text_holds(program, row)
    else:
        for notation in NOTATIONS:
            require_that_layers_hold(program, row, notation)


@pytest.mark.parametrize(
    "seed",
    [
        pytest.param(seed, marks=() if seed in QUICK else pytest.mark.slow)
        for seed in (*range(60), 65, 77, 86, 87, 91, 94, 97, 102, 109, 121, 125, 134, 195, 198, *UNCOVERED)
    ],
)
def test_the_text_of_random_graphs_holds(seed):
    """Over all operations of the table, with gathers, repeated numbers, relations and absolute values."""
    graph = random_graph(seed)
    if graph is not None:
        cost, inputs = graph
        require_that_the_text_holds(lift(cost, inputs), row_of(inputs))


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("(a² − t) ⊙ σ′(z²)", "a² − t ⊙ σ′(z²)"),
        ("(a² − t) ⊙", "(a² + t) ⊙"),
        ("(W²)ᵀδ²", "(W²)ᵀ ⊙ δ²"),
        ("(W²)ᵀδ²", "W²δ²"),
        ("δ² ⊙ σ′(z¹)", "δ²σ′(z¹)"),
        ("δ²(a¹)ᵀ", "δ²a¹"),
        ("δ²(a¹)ᵀ", "δ²(a²)ᵀ"),
        ("½‖a² − t‖²", "‖a² − t‖²"),
        ("1 − σ(z)²", "(1 − σ(z))²"),
        ("1 − σ(z)²", "1 − σ(z)"),
        ("∂C/∂b¹ = δ¹", "∂C/∂b¹ = 2δ¹"),
    ],
)
def test_a_text_with_a_fault_is_noticed(right, wrong):
    program, row = example("half_squared_error", ("tanh", "tanh"))
    text = program.equations()
    assert right in text
    require_that_layers_hold(program, row, text=text)
    with pytest.raises(AssertionError):
        require_that_layers_hold(program, row, text=text.replace(right, wrong))


@pytest.mark.parametrize(
    ("graph", "needed"),
    [
        (repeated_number(np.random.default_rng(5)), "A name is 0 where an index is outside of its range."),
        (kalman_filter(np.random.default_rng(5)), " and δw₂"),
        (parts_of_several_arrays(np.random.default_rng(5)), "_{k ≤ 2}"),
        (random_graph(13), "p has 4 members."),
    ],
)
def test_what_an_index_runs_over_is_read_from_the_text_alone(graph, needed):
    cost, inputs = graph
    program, row = lift(cost, inputs), row_of(inputs)
    text = program.equations()
    assert needed in text
    require_that_the_text_holds(program, row, text)
    with pytest.raises((AssertionError, IndexError)):
        require_that_the_text_holds(program, row, text.replace(needed, "ₖ" if needed.startswith("_") else ""))


def test_what_stands_for_none_in_a_table_is_the_number_before_all_others():
    graph = next(graph for graph in GRAPHS if graph.__name__ == "logsumexp_of_rows")
    text = lift(*graph(np.random.default_rng(5))).equations()
    tables = re.findall(r"= (\[.*\]), indices; (\d+) stands for none", text)
    assert tables
    for table, none in tables:
        assert min(map(int, re.findall(r"\d+", table))) == int(none)


@pytest.mark.parametrize(
    "line", ["Σ x x", "x x", "x + ", "(x", "‖x", "𝟏 + Σ 𝟏", "x ⊙ A", "Ax ⊙ A", "f(x)", "||x||", "w²"]
)
def test_what_can_be_read_in_two_ways_or_in_none_is_refused(line):
    known = {"x": np.ones(3), "w": 1.0, "u": 2.0, "A": np.eye(3), "w²": 1.0}
    with pytest.raises(MisreadError):
        Reader(Page.of(f"Forward\n  C = {line}\n\n"), known)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("−w² + u", 1.75),
        ("2w(u + 1)", 3.0),
        ("xᵀx", 14.0),
        ("Σ(x ⊙ x) / u", 7.0),
        ("½[u > w]", 0.5),
        ("Σ(A𝟏 + x)", 16.0),
        ("|−‖x‖²|", 14.0),
        ("(u if w > 1 else w)", 0.5),
        ("mean(x)√u²", 4.0),
        ("u^1.5 + u^(w + 1)", 2 * 2.0**1.5),
        ("Σ √(x²)³", 36.0),
        ("2·10⁻²w + 2.5·10²w", 125.01),
    ],
)
def test_the_reader_reads_as_a_mathematician_does(line, value):
    known = {"x": [1.0, 2.0, 3.0], "w": 0.5, "u": 2.0, "A": np.arange(9.0).reshape(3, 3) / 9.0 * 2.5}
    read = Reader(Page.of(f"Forward\n  C = {line}\n\n"), known)
    assert read.values["C"].array.item() == pytest.approx(value, rel=1e-14)

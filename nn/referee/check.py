"""The call: from a backward pass, a network and a batch to the report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from autograd.lift.write.notation import notation_named

from ..arguments import FloatArray, float_array, float_rows
from ..loss.classes import Classes, target_rows
from ..loss.loss_table import LossFunction, loss_named, name_of, require_targets
from ..loss.penalty import require_coefficient
from ..model.mlp import MLP
from ..model.module import data_of
from .any_network import check_network
from .comparison import comparisons
from .conventions import rate_found, recognised, understood
from .diagnosis import diagnosis
from .foreign import as_mlp
from .graph_reference import GraphReference, parameters_of, width_of
from .headline import headline
from .layer_functions import layer_functions
from .named_gradients import NamedCalling
from .reading import Reading
from .reading.probes import Probe
from .reading.read import read
from .reference import Reference
from .report import Finding, Report
from .submission import Backprop, Calling, Submission
from .symbols import symbols_named
from .torch_network import TorchNetwork, TorchReference

OF_PROBABILITIES = (
    "categoricalcrossentropy",
    "sparsecategoricalcrossentropy",
    "logloss",
    "logistic",
    "logisticloss",
    "nll",
    "nllloss",
    "negativeloglikelihood",
    "softmax",
    "softmaxloss",
    "multinomial",
)

__all__ = ["check_backprop", "require_options"]


def check_backprop(
    my_backprop: Backprop,
    model: MLP | Callable[..., Any],
    X: ArrayLike,
    T: ArrayLike,
    loss: str | LossFunction,
    *,
    l2: float = 0.0,
    l2_biases: bool = False,
    layout: Literal["rows", "columns"] | None = None,
    weights: Literal["out_in", "in_out"] | None = None,
    reduce: Literal["mean", "sum"] = "mean",
    one_by_one: bool | None = None,
    bias_column: Literal["first", "last"] | None = None,
    learning_rate: float | None = None,
    whole_batch: bool = False,
    notation: str | None = None,
    time_limit: float = 10.0,
) -> Report:
    """Return a report on a hand-written backward pass: for every array, right or wrong, and in which line and how.

    The engine differentiates the loss of the same network scalar by scalar, exactly, and each of your arrays must agree
    with it to 1e-10 of its largest entry, plus what rounding can do to such a sum in the precision of your arrays. A
    diagnosis is given only where the mistake explains the whole array, given the arrays above it.

    If an array is wrong, the code is read: it runs again and again, silenced and with the same random numbers, on small
    networks of the same depth, activations and loss, with one expression changed at a time. A change that makes arrays
    right there names the line. A function that is right runs once.

    Args:
        my_backprop: Called as `my_backprop(weights, biases, X, T)`, with copies. Returns (dW, db) or
            (dW, db, delta), each a list with one array a layer, first layer first; or a dict or an object with these
            names. dW and db are gradients of the mean loss over the batch; δ may carry 1/N or not. A function of other
            arguments is called by their names, such as (X, y, W1, b1, W2, b2) or (params, X, Y), and a method of an
            object that holds the weights with (X, T). Other forms of what comes back are
            taken where names or shapes tell which array is which, and the report says how they were read: a dict of
            "dW1", "db1", …, (db, dW), pairs or single arrays layer by layer, also from the output layer down, or one
            vector in the order of `model.parameters()`. For a network without biases it may return dW alone, and
            may be a function of (weights, X, T). Or functions of single layers, such as affine_forward and
            affine_backward: a module, a dictionary or a list of them.
        model: The network. Or any other that you wrote with Values: a `Module`, or an object whose attributes hold its
            parameters, called with the inputs of one example. Then the function is called with a dictionary of the
            parameters, X and T, or by the names of its arguments, and returns the gradients by the same names (with a
            "d" or "grad_" in front or without), or in their order, or takes a step. Its penalty is on arrays of two
            axes and more, with `l2_biases` on all. A chain of dense layers of PyTorch or Keras is
            taken for the MLP of the same weights. Any other network of PyTorch (Conv2d, BatchNorm1d, Embedding, …)
            that returns rows of outputs is differentiated by PyTorch, with its parameters by their names there:
            `conv.weight` is an entry of that name, or an argument `conv_weight`.
        X: The inputs, one row an example, shape (N, n_0), in either layout.
        T: The targets, shape (N, n_L); or for one output (N,), or labels of classes where the loss takes them, (N,) or
            (N, 1). They are handed over as rows; as labels, as (N,), where rows lead to an error or give fewer right
            arrays.
        loss: The loss of one example: a name, or a function of outputs and target. Names of other libraries for the
            logarithm of probabilities ("categorical_crossentropy", "log_loss", "nll") are taken as the output layer
            needs them.
        l2: The coefficient c of (c/2) Σ‖W‖², added once per batch.
        l2_biases: Whether the penalty has the biases in it too.
        layout: "rows" hands over X (N, n_0), T and biases (n_l,), and takes δ of shape (N, n_l). "columns" hands over
            the transposed X and T and biases (n_l, 1), and takes δ of shape (n_l, N). dW has the shape of W in both,
            and db may be (n_l,), (1, n_l) or (n_l, 1). None hands over rows, and columns where rows lead to an error
            and shapes fit.
        weights: "out_in" hands over W of shape (n_l, n_(l-1)), "in_out" the transposed W and takes dW of that shape.
            None hands over the first, and the second where the first leads to an error and shapes tell.
        reduce: "mean" if dW and db are gradients of the mean loss, "sum" if of the sum over the batch, plus the penalty
            once. The report divides them by N, and judges them as those of the mean.
        one_by_one: Whether it is called for every example by itself, with vectors x (n_0,) and t (n_L,), in columns
            (n_0, 1) and (n_L, 1). Its gradients are averaged; with `reduce="sum"` they are those of a sum over the
            batch, each with its Nth part of the penalty. None does so where a batch leads to an error.
        bias_column: "first" or "last" hands over W with b as a column more, (n_l, n_(l-1) + 1), and takes dW of that
            shape, without db; the function is one of (weights, X, T). The penalty leaves that column out. None takes
            "first" for arguments called Theta and for parameters in one vector, or what makes more arrays right.
        learning_rate: The rate of the step, if the function changes the weights and biases that it is handed, or
            returns them changed: its gradients are (before - after) / learning_rate. For one that returns nothing None
            takes the rate from an argument or attribute such as `lr`, or finds it: a factor common to all gradients
            then does not show.
        whole_batch: Whether a model that is no MLP takes all rows at once and returns as many, as one with batch
            normalisation does.
        notation: Whose letters the report is written in: "superscript", "theta", "epsilon", "prime", "parentheses",
            "nielsen" or "cs231n". None takes those that the names in your code suggest: Theta, nabla_w, dscores, y, w
            or J, and counts layers as they do.
        time_limit: The seconds of processor time that reading may take; with 0 only the numbers are judged. Code that
            writes files, draws random numbers of its own or has no source is not read, and the report says so.

    Raises:
        TypeError: If what comes back is not numbers, or the model holds no parameters.
        ValueError: If shapes of X and T do not fit, or an array is missing.
        DomainError: If the loss or a derivative is undefined on this data.

    Example:
        >>> from nn import MLP, check_backprop
        >>> def my_backprop(weights, biases, X, T):
        ...     delta = X @ weights[0].T + biases[0] - T
        ...     return [delta.T @ X], [delta.mean(axis=0)]
        >>> X, T = [[1, 2], [3, 4], [5, 7]], [[1], [0], [1]]
        >>> report = check_backprop(my_backprop, MLP(2, [1], seed=0), X, T, "half_squared_error")
        >>> report.of("W", 1).kinds, report.of("b", 1).verdict
        ({'factor m'}, 'right')
    """
    model, origin = as_mlp(model, X)
    if not isinstance(model, (MLP, TorchNetwork)) and not parameters_of(model):
        raise TypeError(
            "check_backprop needs an nn.MLP, or a callable object whose attributes hold its parameters as Values, "
            f"got {model!r} of type {type(model).__name__}"
        )
    require_options(layout, weights, reduce, bias_column, learning_rate, notation, l2)
    loss = loss_named(_as_named_here(loss, model))
    if not isinstance(model, MLP):
        if weights or bias_column:
            raise ValueError("weights and bias_column are those of an MLP, and this model is none")
        kind, names, numbers, rows, n_out = _of_its_own(model, X, whole_batch=whole_batch)
        named = NamedCalling(
            my_backprop,
            names,
            layout == "columns",
            reduce == "sum",
            bool(one_by_one),
            None if learning_rate is None else float(learning_rate),
        )
        targets, labels = _targets(len(rows), n_out, T, loss)
        penalty = float(l2) / len(rows) if reduce == "sum" else float(l2)
        graph = kind(
            model, names, numbers, rows, targets, loss, whole_batch=whole_batch, l2=penalty, l2_biases=bool(l2_biases)
        )
        symbols = symbols_named(notation, named.functions, parameters=named.names)
        read_as = [origin] * bool(origin) + _told_of(labels)
        return check_network(named, graph, symbols, time_limit=time_limit, understood=read_as)
    if (layers := layer_functions(my_backprop, model, loss)) is not None:
        if l2:
            raise ValueError("functions of layers have no penalty: leave l2 out")
        my_backprop = layers
    X = _rows("X", np.atleast_2d(float_array("X", X)), model.n_in)
    T, labels = _targets(len(X), model.n_out, T, loss)
    require_targets(loss, T)

    def run(calling: Calling) -> Submission:
        return calling([np.array(W) for W in model.weights], [np.array(b) for b in model.biases], X.copy(), T.copy())

    told = Calling(
        my_backprop,
        columns=layout == "columns",
        in_out=weights == "in_out",
        summed=reduce == "sum",
        l2_biases=bool(l2_biases),
        l2=float(l2),
        one_by_one=bool(one_by_one),
        bias_column=bias_column or "",
        learning_rate=None if learning_rate is None else float(learning_rate),
    )
    nothing_said = (("in_out", weights), ("columns", layout), ("one_by_one", one_by_one), ("bias_column", bias_column))
    is_open = ["row_biases", *(field for field, given in nothing_said if given is None)]
    reference = Reference(model, X, T, loss, told.l2_of_mean(l2, len(X)), told.l2_biases)
    known = labels or (tuple(range(model.n_out)) if _are_one_hot(T) else ())
    calling, submission = recognised(told, model, run, is_open, known, reference.arrays())
    if not submission.has_rate:
        calling = replace(calling, learning_rate=rate_found(submission.arrays(), reference.arrays()))
        submission = run(calling)
    compared = comparisons(reference, submission)
    with np.errstate(all="ignore"):  # your numbers may be of any size
        findings, delta_scale = diagnosis(reference, compared)
        sentence = headline(reference, compared)
    if calling.columns:
        findings = [_in_columns(finding) if finding.array == "δ" else finding for finding in findings]
    reading = Reading()
    if time_limit > 0 and any(finding.verdict in ("wrong", "follows") for finding in findings):
        own = Probe("own", calling, model, X, T, loss, float(l2))
        reading = read(own, submission, time_limit)
    said_of_model = ", ".join([origin] * bool(origin) + _told_of(labels))
    subject = _subject(reference, submission, l2)
    return Report(
        tuple(findings),
        subject,
        delta_scale,
        sentence,
        reference.N,
        l2,
        bool(l2_biases),
        reading,
        understood(calling, submission, said_of_model, said_columns=layout == "columns"),
        symbols_named(notation, calling.functions, reference.L),
    )


def require_options(
    layout: Any = None,
    weights: Any = None,
    reduce: Any = "mean",
    bias_column: Any = None,
    learning_rate: Any = None,
    notation: Any = None,
    l2: Any = 0.0,
    **_others: Any,
) -> None:
    """Raise an error unless these arguments of `check_backprop` are known.

    Raises:
        TypeError: If a number or a name is none.
        ValueError: If one is unknown.
    """
    if layout not in ("rows", "columns", None):
        raise ValueError(f"layout must be 'rows', 'columns' or None, got {layout!r}")
    if weights not in ("out_in", "in_out", None):
        raise ValueError(f"weights must be 'out_in', 'in_out' or None, got {weights!r}")
    if reduce not in ("mean", "sum"):
        raise ValueError(f"reduce must be 'mean' or 'sum', got {reduce!r}")
    if bias_column not in ("first", "last", None):
        raise ValueError(f"bias_column must be 'first', 'last' or None, got {bias_column!r}")
    if learning_rate is not None and not float_array("learning_rate", learning_rate, ()) > 0:
        raise ValueError(f"learning_rate must be greater than 0, got {learning_rate!r}")
    if notation is not None:
        notation_named(notation)
    require_coefficient("l2", l2)


def _as_named_here(loss: str | LossFunction, model: Any) -> str | LossFunction:
    """Return the name of a loss that other libraries take of probabilities; here the output layer says which it is."""
    letters = "".join(letter for letter in loss.lower() if letter.isalpha()) if isinstance(loss, str) else ""
    if letters not in OF_PROBABILITIES or not isinstance(model, MLP):
        return loss
    if model.activations[-1] == "sigmoid":
        return "binary_cross_entropy"
    return "binary_cross_entropy_with_logits" if model.n_out == 1 else "cross_entropy"


def _in_columns(finding: Finding) -> Finding:
    """Return a finding on δ as it was handed in, with one column an example."""
    words = {" in row ": " in column ", " in column ": " in row "}
    remark = next((finding.remark.replace(old, new) for old, new in words.items() if old in finding.remark), None)
    return replace(finding, yours=finding.yours.T, right=finding.right.T, remark=remark or finding.remark)


def _told_of(labels: Classes) -> list[str]:
    return [f"targets of the classes {', '.join(map(str, labels))}"] if labels else []


def _of_its_own(
    model: Any, X: ArrayLike, *, whole_batch: bool
) -> tuple[type[GraphReference], tuple[str, ...], list[FloatArray], FloatArray, int]:
    """Return what differentiates a network that is no MLP, its parameters by name, the inputs and how many outputs."""
    if isinstance(model, TorchNetwork):
        rows = model.inputs(X)
        return TorchReference, tuple(model.parameters), model.numbers(), rows, model.outputs(rows).shape[1]
    held = parameters_of(model)
    rows = _rows("X", np.atleast_2d(float_array("X", X)), None)
    width = width_of(model, rows, whole_batch=whole_batch)
    return GraphReference, tuple(held), list(map(data_of, held.values())), rows, width


def _targets(N: int, n_out: int, T: ArrayLike, loss: LossFunction) -> tuple[FloatArray, Classes]:
    """Return targets as rows, and the classes, if the targets are labels."""
    classes: Classes | None = None
    shape = _shape(T)
    if n_out > 1 and shape == (N, 1):
        T, shape = np.ravel(T), shape[:1]
    if len(shape) == 1 and (1, *shape) != (N, n_out):
        T, classes = target_rows("T", T, loss, n_out, None)
    targets = _rows("T", np.atleast_2d(float_array("T", T)), n_out)
    if len(targets) != N:
        raise ValueError(f"X and T need as many rows, got {N} and {len(targets)}")
    return targets, classes or ()


def _are_one_hot(T: FloatArray) -> bool:
    return T.shape[1] > 1 and bool(np.all((T == 0) | (T == 1))) and bool(np.all(T.sum(axis=1) == 1))


def _shape(given: ArrayLike) -> tuple[int, ...]:
    try:
        return np.shape(given)
    except ValueError:  # rows of different lengths
        return ()


def _rows(name: str, array: FloatArray, width: int | None) -> FloatArray:
    rows = float_rows(name, array)
    if width is not None and rows.shape[1] != width:
        raise ValueError(f"{name} needs one row an example, with {width} entries, got shape {rows.shape}")
    return rows


def _subject(r: Reference, submission: Submission, l2: float) -> str:
    network = f"MLP({r.model.n_in}, {[layer.n_out for layer in r.model.layers]}) with {', '.join(r.model.activations)}"
    count = f"{r.N} examples" if r.N > 1 else "one example"
    penalty = f", l2 = {l2:g}{' on weights and biases' if r.l2_of_b else ''}" if l2 else ""
    precision = "" if submission.precision == np.float64 else f", {submission.precision}"
    return f"Your backpropagation of {network}, {name_of(r.loss)}, {count}{penalty}{precision}, against the engine"

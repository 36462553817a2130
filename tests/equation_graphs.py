"""Graphs of many kinds whose equations are printed, each with its inputs."""

from operator import mul

import numpy as np

import nn
from autograd import Value, affine, exp, logsumexp, softmax, total, vector, where
from autograd.lift import lift
from nn import LOSSES, l2_penalty
from tests.lift_graphs import random_function, squared_error


def leaves(numbers):
    return [Value(float(number)) for number in numbers]


TARGETS = {
    "hinge_loss": [1.0, -1.0],
    "binary_cross_entropy": [0.25, 1.0],
    "binary_cross_entropy_with_logits": [0.25, 0.5],
    "cross_entropy": [0.25, 0.75],
}


def example(loss, activations, seed=0, l2=0.0, scale=1.0):
    rng = np.random.default_rng(seed)
    model = nn.MLP(3, [4, 2], list(activations), seed=seed)
    model.weights = [scale * W for W in model.weights]
    row = {"x": rng.normal(size=3), "t": np.array(TARGETS.get(loss, [0.3, -0.6]))}
    x, t = leaves(row["x"]), leaves(row["t"])
    cost = LOSSES[loss](model(x), t)
    return lift(cost + l2_penalty(model, l2) if l2 else cost, {"x": x, "t": t}), row


# --- graphs ---------------------------------------------------------------------------------------


def parameters(rng, name, *shape):
    array = np.empty(shape, dtype=object)
    for index in np.ndindex(*shape):
        array[index] = Value(rng.normal(), f"{name}[{','.join(map(str, index))}]")
    return array


def weighted(W, a, b=None):
    a = vector(list(a))
    return [affine(vector(list(row)), a, 0.0 if b is None else b[j]) for j, row in enumerate(W)]


def residual(rng):
    x, t = leaves(rng.normal(size=3)), leaves(rng.normal(size=3))
    h = x
    for l in "123":
        W, b = parameters(rng, f"W{l}", 3, 3), parameters(rng, f"b{l}", 3)
        h = [p + z.tanh() for p, z in zip(h, weighted(W, h, b), strict=True)]
    return squared_error(h, t), {"x": x, "t": t}


def concatenation(rng):
    x, t = leaves(rng.normal(size=3)), leaves(rng.normal(size=2))
    h = [z.tanh() for z in weighted(parameters(rng, "W1", 4, 3), x, parameters(rng, "b1", 4))]
    return squared_error(weighted(parameters(rng, "W2", 2, 7), h + x), t), {"x": x, "t": t}


def recurrence(rng):
    rows = {f"x{k}": leaves(rng.normal(size=2)) for k in range(1, 4)}
    t = leaves(rng.normal(size=2))
    Wx, Wh, b, Wo = (
        parameters(rng, name, *shape) for name, shape in (("Wx", (4, 2)), ("Wh", (4, 4)), ("b", (4,)), ("Wo", (2, 4)))
    )
    h = leaves([0.0] * 4)
    h = [z.tanh() for z in weighted(Wx, rows["x1"], b)]
    for name in ("x2", "x3"):
        h = [(p + q).tanh() for p, q in zip(weighted(Wx, rows[name], b), weighted(Wh, h), strict=True)]
    return squared_error(weighted(Wo, h), t), {**rows, "t": t}


def attention(rng):
    x, t = leaves(rng.normal(size=6)), leaves(rng.normal(size=6))
    X = np.array(x, dtype=object).reshape(3, 2)
    Q, K, V = ([weighted(W, row) for row in X] for W in (parameters(rng, f"W{n}", 2, 2) for n in "qkv"))
    A = [softmax([0.7 * affine(q, k, 0.0) for k in K]) for q in Q]
    O = [total([A[i][j] * V[j][d] for j in range(3)]) for i in range(3) for d in range(2)]
    return squared_error(O, t), {"x": x, "t": t}


def shared_scalar(rng):
    w, u = Value(0.7, "w"), Value(-1.2, "u")
    x = leaves(rng.normal(size=1))
    return (w * x[0]).sin() + w**2 * exp(u) + (w * u) ** 3, {"x": x}


def mixed_layer(rng):
    x, t = leaves(rng.normal(size=3)), leaves(rng.normal(size=4))
    z = weighted(parameters(rng, "W1", 4, 3), x, parameters(rng, "b1", 4))
    a = [f(each) for f, each in zip([Value.tanh, Value.sigmoid, Value.tanh, Value.sigmoid], z, strict=True)]
    return squared_error(a, t), {"x": x, "t": t}


def hand_written_sigmoid(rng):
    x, t = leaves(rng.normal(size=3)), leaves(rng.normal(size=2))
    z = weighted(parameters(rng, "W1", 2, 3), x, parameters(rng, "b1", 2))
    return squared_error([1.0 / (1.0 + exp(-each)) for each in z], t), {"x": x, "t": t}


def layer_norm(rng):
    x, t = leaves(rng.normal(size=3)), leaves(rng.normal(size=4))
    z = weighted(parameters(rng, "W1", 4, 3), x, parameters(rng, "b1", 4))
    mean = total(z) / 4.0
    centred = [each - mean for each in z]
    root = (total([c * c for c in centred]) / 4.0 + 1e-5).sqrt()
    g = parameters(rng, "g", 4)
    return squared_error([gain * c / root for gain, c in zip(g, centred, strict=True)], t), {"x": x, "t": t}


def micrograd_demo(rng):
    model = nn.MLP(2, [4, 4, 1], "tanh", seed=0)
    scores = [model(row)[0] for row in rng.normal(size=(5, 2)).tolist()]
    losses = [(1.0 - y * score).relu() for y, score in zip([1.0, -1.0, 1.0, -1.0, 1.0], scores, strict=True)]
    return sum(losses, 0.0) * 0.2 + 1e-4 * sum((p * p for p in model.parameters()), 0.0), {}


def tied_autoencoder(rng):
    x, t = leaves(rng.normal(size=3)), leaves(rng.normal(size=3))
    W = parameters(rng, "W1", 4, 3)
    h = [z.tanh() for z in weighted(W, x, parameters(rng, "b1", 4))]
    return squared_error(weighted(W.T, h, parameters(rng, "b2", 3)), t), {"x": x, "t": t}


def repeated_number(rng):
    x = leaves(rng.normal(size=2))
    w = Value(0.3, "w")
    scale = (w * x[0]).tanh()
    W = parameters(rng, "W1", 3, 2)
    return total([scale, scale, scale, x[1]]) + logsumexp([w, w, x[0]]) + total(weighted(W, [scale, scale])), {"x": x}


def quotients(rng):
    x, (u, v) = leaves(rng.normal(size=4)), parameters(rng, "w", 2)
    return total([each / (u * u + 1.0) + v / (each * each + 2.0) for each in x]) / 3.0, {"x": x}


def choices(rng):
    x, t = leaves(rng.normal(size=4)), leaves([1.0, 0.0, 1.0, 0.0])
    w, u = parameters(rng, "w", 4), Value(0.3, "u")
    return total([where(c, a * b, u) for c, a, b in zip(t, w, x, strict=True)]) + where(t[0], u, w[1]), {"x": x, "t": t}


def sums_of_other_lengths(rng):
    x, w = leaves(rng.normal(size=6)), parameters(rng, "w", 6)
    products = [(a * b).tanh() for a, b in zip(x, w, strict=True)]
    return squared_error([total(products[k:l]) for k, l in ((0, 1), (1, 4), (4, 6))], [0.5, -0.5, 1.0]), {"x": x}


def spread_over_rows(rng):
    x, W = leaves(rng.normal(size=3)), parameters(rng, "W1", 3, 4)
    rows = [[(w * each).sin() for w in row] for row, each in zip(W, x, strict=True)]
    norms = [total([r * r for r in row]).sqrt() for row in rows]
    return total([(r / norm) ** 3 for row, norm in zip(rows, norms, strict=True) for r in row]), {"x": x}


def logsumexp_of_rows(rng):
    x, W = leaves(rng.normal(size=3)), parameters(rng, "W1", 4, 3)
    scores = weighted(W, x)
    return total([logsumexp([s, w, 0.5]) ** 2 for s, w in zip(scores, W[:, 1], strict=True)]), {"x": x}


def columns_rows_and_corners(rng):
    x, W = leaves(rng.normal(size=3)), parameters(rng, "W1", 3, 3)
    column = affine(list(W[:, 1]), x, 0.0).tanh()
    row = affine(list(W[2]), x, W[0, 0]).tanh()
    diagonal = affine([W[k, k] for k in range(3)], x, 0.0).sin()
    backwards = affine(list(W[1, ::-1]), [each.cos() for each in x], 0.0)
    return column * row + diagonal * backwards, {"x": x}


def equal_weights(rng):
    x, W = leaves(rng.normal(size=3)), parameters(rng, "W1", 4, 3)
    h = [z.tanh() for z in weighted(W, x)]
    w = Value(0.7, "w")
    pooled = affine([0.25] * 4, h, 0.0)
    return pooled * affine([w] * 3, x, 0.0) + total([affine([0.5] * 3, [r.sin() for r in row], 0.0) for row in W]), {
        "x": x
    }


def parts_of_several_arrays(rng):
    x = leaves(rng.normal(size=2))
    u, v = parameters(rng, "u", 2), parameters(rng, "v", 3)
    together = [*u, *v]
    return total([(w * x[0]).tanh() for w in together]) * total([(w * x[1]).exp() for w in together[1:4]]), {"x": x}


def weights_by(axis):
    """Return 3 × 4 numbers that differ by column (axis 1), by row (axis 0), or by both (axis 2)."""
    by_row, by_column = np.array([1.5, -0.5, 2.0])[:, None], np.array([0.3, -1.2, 0.7, 2.0])[None, :]
    return (np.broadcast_to([by_row, by_column, by_row * by_column + by_row][axis], (3, 4))).tolist()


def unit_length(row):
    length = total([w * w for w in row]).sqrt()
    return [w / length for w in row]


def positive(row):
    powers = [exp(w) for w in row]
    return [p / total(powers) for p in powers]


def standardised(row):
    mean = total(row) / len(row)
    centred = [w - mean for w in row]
    root = (total([c * c for c in centred]) / len(row) + 0.01).sqrt()
    return [c / root for c in centred]


def normalised(of, norm, axis, columns):
    """Return a graph: rows or columns of an array are normalised, and its entries weighted by numbers."""

    def graph(rng):
        x = leaves(rng.normal(size=4))
        array = parameters(rng, "W", 3, 4)
        if of == "products":
            array = np.array([[(w * y).tanh() for w, y in zip(row, x, strict=True)] for row in array], dtype=object)
        if of == "layer":
            z = weighted(parameters(rng, "V", 12, 4), x, parameters(rng, "b", 12))
            array = np.array([each.sin() for each in z], dtype=object).reshape(3, 4)
        rows = np.array([norm(list(line)) for line in (array.T if columns else array)], dtype=object)
        rows = rows.T if columns else rows
        entries = [c * w for cs, ws in zip(weights_by(axis), rows, strict=True) for c, w in zip(cs, ws, strict=True)]
        cubes = 0.0 if axis == 1 else total([w**3 for w in entries])
        return total(entries) + cubes, {"x": x} if of != "plain" else {}

    graph.__name__ = f"{norm.__name__}_{of}_{axis}_{'columns' if columns else 'rows'}"
    return graph


NORMALISED = [
    normalised(of, norm, axis, columns)
    for of in ("plain", "products", "layer")
    for norm in (unit_length, positive, standardised, softmax)
    for axis in range(3)
    for columns in (False, True)
]


def column_major(rng):
    x, t = leaves(rng.normal(size=3)), leaves(rng.normal(size=2))
    columns = [leaves(rng.normal(size=2)) for _ in range(3)]
    a = [total([columns[k][j] * x[k] for k in range(3)]).tanh() for j in range(2)]
    return squared_error(a, t) + 0.1 * sum(w * w for column in columns for w in column), {"x": x, "t": t}


def kalman_filter(rng, steps=4):
    noise, error, decay = Value(0.1, "q"), Value(0.2, "r"), Value(0.9, "a")
    x = leaves(rng.normal(size=steps))
    mean, variance, loss = 0.0, 1.0, 0.0
    for each in x:
        mean, variance = decay * mean, decay * variance * decay + noise
        gain = variance / (variance + error)
        innovation = each - mean
        mean, variance = mean + gain * innovation, (1.0 - gain) * variance
        loss = loss + innovation * innovation
    return loss, {"x": x}


def quadratic_map(rng, steps=7):
    rate, x = Value(1.3, "r"), leaves(rng.random(1))
    y = x[0]
    for _ in range(steps):
        y = rate * y * (1.0 - y)
    return y, {"x": x}


def recurrent(rows, targets=None, first=None):
    """Return a graph: a recurrent network over rows of numbers, which may begin with parameters."""

    def graph(rng):
        W, U, V = (parameters(rng, n, *s) for n, s in (("W", (2, len(rows[0]))), ("U", (2, 2)), ("V", (1, 2))))
        h, b, out = first if first is None else list(parameters(rng, first, 2)), parameters(rng, "b", 2), []
        for row in rows:
            z = [total([w * v for w, v in zip(line, row, strict=True)]) + c for line, c in zip(W, b, strict=True)]
            if h is not None:
                z = [p + q for p, q in zip(z, weighted(U, h), strict=True)]
            h = [each.tanh() for each in z]
            out.append(total([v * each for v, each in zip(V[0], h, strict=True)]))
        return (out[-1] if targets is None else squared_error(out, targets)), {}

    return graph


def lstm_of_numbers(rng, steps=4):
    gates = {g: (parameters(rng, f"W{g}", 2, 1), parameters(rng, f"U{g}", 2, 2)) for g in "fiog"}
    h, c = list(parameters(rng, "h0", 2)), list(parameters(rng, "c0", 2))
    for x in rng.normal(size=steps).tolist():
        z = {g: [w[0] * x + q for w, q in zip(W, weighted(U, h), strict=True)] for g, (W, U) in gates.items()}
        f, i, o = ([each.sigmoid() for each in z[g]] for g in "fio")
        c = [p * q + r * s.tanh() for p, q, r, s in zip(f, c, i, z["g"], strict=True)]
        h = [p * q.tanh() for p, q in zip(o, c, strict=True)]
    return total([each * each for each in h]), {}


def polynomial(rng):
    x, value = Value(rng.normal(), "x"), Value(1.0, "c")
    for number in (3.0, 1.0, 4.0, 1.0, 5.0):
        value = value * x + number
    return value, {}


def windows(x, w, places, *, stride=1, before=0):
    """Return the sums of a window that slides over an array, beyond its ends where it begins before it."""
    padded = np.pad(x, [(before, max(w.shape)) for _ in x.shape], constant_values=0.0)
    starts = [tuple(stride * p for p in place) for place in np.ndindex(*places)]
    parts = [padded[tuple(slice(s, s + n) for s, n in zip(start, w.shape, strict=True))] for start in starts]
    return [sum(w.ravel() * part.ravel()) for part in parts]


def convolution(rng, n, size, **how):
    x, t = leaves(rng.normal(size=n)), leaves(rng.normal(size=size))
    y = windows(np.array(x, dtype=object), parameters(rng, "w", 3), (size,), **how)
    return squared_error([each.tanh() for each in y], t), {"x": x, "t": t}


def padded_convolution(rng):
    return convolution(rng, 8, 4, stride=2, before=1)


def full_convolution(rng):
    x, t = leaves(rng.normal(size=6)), leaves(rng.normal(size=8))
    y = windows(np.array(x, dtype=object), parameters(rng, "w", 3)[::-1], (8,), before=2)
    return squared_error([each.tanh() for each in y], t), {"x": x, "t": t}


def padded_image(rng):
    """A convolution of an image that is learned, too: the windows are inverted for its gradient."""
    t = leaves(rng.normal(size=16))
    y = windows(parameters(rng, "X", 4, 4), parameters(rng, "K", 3, 3), (4, 4), before=1)
    return squared_error([each.tanh() for each in y], t), {"t": t}


def transposed_convolution(rng):
    w, x = parameters(rng, "w", 3), leaves(rng.normal(size=4))
    y = [0.0] * 9
    for p, k in np.ndindex(4, 3):
        y[2 * p + k] = y[2 * p + k] + w[k] * x[p]
    return squared_error(y, leaves(rng.normal(size=9))), {"x": x}


def filter_with_feedback(rng):
    a, b = Value(0.3, "a"), parameters(rng, "b", 2)
    x, y = leaves(rng.normal(size=6)), []
    for n, x_n in enumerate(x):
        y.append(b[0] * x_n if not n else b[0] * x_n + b[1] * x[n - 1] + a * y[n - 1])
    return squared_error(y, leaves(rng.normal(size=6))), {"x": x}


def gru(rng):
    """A network of gates from a state of zeros: what a gate lets through at first is 0."""
    Wz, Wr, Wh = (parameters(rng, name, 2, 2) for name in ("Wz", "Wr", "Wh"))
    Uz, Ur, Uh = (parameters(rng, name, 2, 2) for name in ("Uz", "Ur", "Uh"))
    x, h = np.array(leaves(rng.normal(size=8)), dtype=object).reshape(4, 2), [0.0, 0.0]
    for row in x:
        z = [(p + q).sigmoid() for p, q in zip(Wz @ row, Uz @ h, strict=True)]
        r = [(p + q).sigmoid() for p, q in zip(Wr @ row, Ur @ h, strict=True)]
        passed = [p * q for p, q in zip(r, h, strict=True)]
        new = [(p + q).tanh() for p, q in zip(Wh @ row, Uh @ passed, strict=True)]
        h = [(1 - z_k) * h_k + z_k * n_k for z_k, h_k, n_k in zip(z, h, new, strict=True)]
    return squared_error(h, leaves(rng.normal(size=2))), {"x": x.ravel().tolist()}


def encoder_and_decoder(rng):
    """Two recurrences, of which the second begins with what the first ends with."""
    We, Ue, Ud, Vd = (parameters(rng, name, 2, 2) for name in ("We", "Ue", "Ud", "Vd"))
    x, t = (np.array(leaves(rng.normal(size=8)), dtype=object).reshape(4, 2) for _ in range(2))
    h = [0.0, 0.0]
    for row in x:
        h = [(p + q).tanh() for p, q in zip(We @ row, Ue @ h, strict=True)]
    y = []
    for _ in t:
        h = [z.tanh() for z in Ud @ h]
        y += [*(Vd @ h)]
    return squared_error(y, t.ravel()), {"x": x.ravel().tolist(), "t": t.ravel().tolist()}


def contrast(rng):
    """The cross-entropy of each row of similarities with its own number as target."""
    W = parameters(rng, "W", 3, 2)
    x, y = (np.array(leaves(rng.normal(size=6)), dtype=object).reshape(3, 2) for _ in range(2))
    u, v = [weighted(W, row) for row in x], [weighted(W, row) for row in y]
    cost = -total([softmax([sum(map(mul, a, b)) for b in v])[k].log() for k, a in enumerate(u)])
    return cost, {"x": x.ravel().tolist(), "y": y.ravel().tolist()}


RECURRENCES = {
    "numbers and targets": recurrent([[0.3], [0.1], [-0.7], [0.2]], [0.5, 0.2, 0.1, 0.9]),
    "ones and zeros": recurrent([[1.0], [0.0], [1.0], [1.0], [0.0]]),
    "rows": recurrent([[0.3, 0.1], [0.2, 0.5], [-0.7, 0.4], [0.1, 0.9]], [0.1, 0.2, 0.3, 0.4]),
    "a first state that is learned": recurrent([[0.3], [0.1], [-0.7], [0.2]], first="h0"),
    "an LSTM": lstm_of_numbers,
    "a polynomial": polynomial,
}
for _name, _graph in RECURRENCES.items():
    _graph.__name__ = _name.replace(" ", "_")


def lstm_of_two_steps(rng):
    return lstm_of_numbers(rng, steps=2)


GRAPHS = [
    *RECURRENCES.values(),
    lstm_of_two_steps,
    *NORMALISED,
    padded_convolution,
    padded_image,
    full_convolution,
    transposed_convolution,
    filter_with_feedback,
    gru,
    encoder_and_decoder,
    contrast,
    column_major,
    kalman_filter,
    quadratic_map,
    quotients,
    choices,
    sums_of_other_lengths,
    spread_over_rows,
    logsumexp_of_rows,
    columns_rows_and_corners,
    equal_weights,
    parts_of_several_arrays,
    repeated_number,
    residual,
    concatenation,
    recurrence,
    attention,
    shared_scalar,
    mixed_layer,
    hand_written_sigmoid,
    layer_norm,
    micrograd_demo,
    tied_autoencoder,
]


def random_graph(seed):
    """Return a cost over all operations of the table, with shared members, constants, gathers and sums of all kinds.

    None where the graph is outside of a domain, too large, or no graph.
    """
    n, targets, count, function = random_function(seed)
    rng = np.random.default_rng(seed)
    x, t = leaves(rng.normal(size=n)), leaves(rng.normal(size=targets))
    try:
        cost = function(x, t, [Value(rng.normal(), f"w[{k}]") for k in range(count)])
    except (ArithmeticError, ValueError):
        return None
    return (cost, {"x": x, "t": t} if targets else {"x": x}) if isinstance(cost, Value) else None


def row_of(inputs):
    """Return the numbers of the inputs."""
    return {name: np.array([leaf.data for leaf in values]) for name, values in inputs.items()}

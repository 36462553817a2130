"""Right backward passes of any depth, activation and loss as text, and the catalogue of mistakes planted in the text.

Each is written twice: layer by layer, each array with a name of its own, and as a loop over lists of layers.
"""

from tests.referee_styles import Style

PENALTY = 0.3

SIGMA = {
    "identity": ("z", "np.ones_like(z)"),
    "sigmoid": ("1 / (1 + np.exp(-z))", "sigma(z) * (1 - sigma(z))"),
    "tanh": ("np.tanh(z)", "1 - np.tanh(z) ** 2"),
    "relu": ("np.maximum(z, 0)", "(z > 0).astype(float)"),
    "leaky_relu": ("np.where(z > 0, z, 0.01 * z)", "np.where(z > 0, 1.0, 0.01)"),
    "softplus": ("np.log1p(np.exp(z))", "1 / (1 + np.exp(-z))"),
    "sin": ("np.sin(z)", "np.cos(z)"),
    "elu": ("np.where(z > 0, z, np.exp(np.minimum(z, 0)) - 1)", "np.where(z > 0, 1.0, np.exp(np.minimum(z, 0)))"),
    "silu": ("z / (1 + np.exp(-z))", "(1 + np.exp(-z) + z * np.exp(-z)) / (1 + np.exp(-z)) ** 2"),
    "gelu": (
        "z * (1 + erf(z / np.sqrt(2))) / 2",
        "(1 + erf(z / np.sqrt(2))) / 2 + z * np.exp(-z * z / 2) / np.sqrt(2 * np.pi)",
    ),
}

ERROR = {  # ∇ₐC of one example, or δ of the output layer where loss and activation go together
    "half_squared_error": "({a} - T)",
    "mse_loss": "2 * ({a} - T) / T.shape[1]",
    "binary_cross_entropy": "({a} - T)",
    "binary_cross_entropy_with_logits": "(1 / (1 + np.exp(-{a})) - T)",
    "cross_entropy": "(np.exp({a}) / np.exp({a}).sum(axis=1, keepdims=True) - T)",
    "hinge_loss": "np.where(T * {a} < 1, -T, 0.0)",
}


def written_network(depth, activation, loss, *, in_loop=False, with_delta=True):
    """A style of a network whose layers are equally wide, so that every mistake of the catalogue fits."""
    squared = loss in ("half_squared_error", "mse_loss")
    output = activation if squared else "sigmoid" if loss == "binary_cross_entropy" else "identity"
    erf = "from scipy.special import erf\n" if activation == "gelu" else ""
    sigma, slope = SIGMA[activation]
    head = (
        f"import numpy as np\n{erf}\n\ndef sigma(z):\n    return {sigma}\n\n\ndef slope(z):\n    return {slope}\n\n\n"
    )
    last = {"sigmoid": "1 / (1 + np.exp(-{z}))", "identity": "{z}"}.get(output, "sigma({z})")
    if squared:
        last = "sigma({z})"
    write = _loop if in_loop else _layer_by_layer
    text, mistakes = write(depth, last, ERROR[loss], squared, with_delta)
    return Style(
        f"{'loop' if in_loop else 'layers'} {depth} {activation} {loss}{'' if with_delta else ' without δ'}",
        head + text,
        tuple(mistakes),
        sizes=(4,) * (depth + 1),
        activations=(activation,) * (depth - 1) + (output,),
        loss=loss,
        l2=PENALTY,
        N=6,
    )


def _layer_by_layer(depth, last, error, squared, with_delta):
    L, layers = depth, range(1, depth + 1)
    lines = [
        "def my_backprop(weights, biases, X, T):",
        f"    {names('W', L)} = weights",
        f"    {names('b', L)} = biases",
    ]
    lines += ["    a0, N = X, len(X)"]
    for l in layers:
        lines.append(f"    z{l} = a{l - 1} @ W{l}.T + b{l}")
        lines.append(f"    a{l} = " + (last.format(z=f"z{L}") if l == L else f"sigma(z{l})"))
    mistakes = []

    def line(text, *changed):
        lines.append(f"    {text}")
        mistakes.extend((text, new) for new in changed)

    top = error.format(a=f"a{L}")
    other = f"d{L} = {top}" if squared else f"d{L} = {top} * slope(z{L})"
    wrong = [f"d{L} = -{top}", f"d{L} = 2 * {top}", f"d{L} = {top} / 2"]
    if squared:
        wrong = [f"{text} * slope(z{L})" for text in wrong] + [f"d{L} = {top} * slope(a{L})"]
        wrong += [f"d{L} = {top} * slope(z{k})" for k in layers if k != L]
    line(f"d{L} = {top}" + (f" * slope(z{L})" if squared else ""), *wrong, other)
    for l in range(L - 1, 0, -1):
        back, at = f"d{l + 1} @ W{l + 1}", f"slope(z{l})"
        wrong = [f"-({back}) * {at}", f"2 * ({back}) * {at}", f"({back}) / 2 * {at}", back, f"({back}) * slope(a{l})"]
        wrong += [f"({back}.T) * {at}", *(f"({back}) * slope(z{k})" for k in layers if k != l)]
        line(f"d{l} = ({back}) * {at}", *(f"d{l} = {text}" for text in wrong))
    for l in layers:
        decay, product = f" + {PENALTY} * W{l}", f"d{l}.T @ a{l - 1}"
        wrong = [f"-{product} / N{decay}", f"2 * {product} / N{decay}", f"{product} / N / 2{decay}", product + decay]
        wrong += [
            f"{product} / N / N{decay}",
            f"np.outer(d{l}[-1], a{l - 1}[-1]){decay}",
            f"a{l - 1}.T @ d{l} / N{decay}",
        ]
        wrong += [f"d{l}.T @ a{k} / N{decay}" for k in range(L + 1) if k != l - 1]
        wrong += [f"{product} / N", f"{product} / N + 2 * {PENALTY} * W{l}"]
        line(f"dW{l} = {product} / N{decay}", *(f"dW{l} = {text}" for text in wrong))
        total = f"d{l}.sum(axis=0)"
        wrong = [f"-{total} / N", f"2 * {total} / N", f"{total} / N / 2", total, f"{total} / N / N", f"d{l}[-1]"]
        wrong += [f"d{l}.sum(axis=1)[:4] / N", f"{total} / N + {PENALTY} * b{l}"]
        line(f"db{l} = {total} / N", *(f"db{l} = {text}" for text in wrong))
    kinds = ("dW", "db", "d") if with_delta else ("dW", "db")
    lines.append(f"    return {', '.join(f'[{names(kind, L)}]' for kind in kinds)}")
    return "\n".join(lines) + "\n", mistakes


def names(kind, L):
    listed = ", ".join(f"{kind}{l}" for l in range(1, L + 1))
    return f"({listed},)" if L == 1 and kind in "Wb" else listed


def _loop(depth, last, error, squared, with_delta):
    top, product = error.format(a="a[-1]"), "delta.T @ a[l] / N"
    first = top + (" * slope(z[-1])" if squared else "")
    lines = [
        "def my_backprop(weights, biases, X, T):",
        "    N, z, a = len(X), [], [X]",
        "    for l, (W, b) in enumerate(zip(weights, biases)):",
        "        z.append(a[-1] @ W.T + b)",
        f"        a.append({last.format(z='z[-1]')} if l == {depth - 1} else sigma(z[-1]))",
        f"    delta = {first}",
        "    dW, db, deltas = [], [], []",
        f"    for l in range({depth - 1}, -1, -1):",
        f"        dW.insert(0, {product} + {PENALTY} * weights[l])",
        "        db.insert(0, delta.sum(axis=0) / N)",
        "        deltas.insert(0, delta)",
        "        if l > 0:",
        "            delta = (delta @ weights[l]) * slope(z[l - 1])",
        f"    return dW, db{', deltas' if with_delta else ''}",
    ]
    decay = f" + {PENALTY} * weights[l]"
    wrong = {f"delta = {first}": [f"delta = -{first}", f"delta = 2 * {first}", f"delta = {first} / 2"]}
    wrong[f"delta = {first}"] += [f"delta = {top}" if squared else f"delta = {top} * slope(z[-1])"]
    if squared:
        wrong[f"delta = {first}"] += [f"delta = {top} * slope(a[-1])"]
    wrong[f"{product}{decay}"] = [
        f"-{product}{decay}", f"2 * {product}{decay}", f"{product} / 2{decay}", f"delta.T @ a[l]{decay}",
        f"{product} / N{decay}", f"np.outer(delta[-1], a[l][-1]){decay}", f"a[l].T @ delta / N{decay}",
        f"delta.T @ a[l + 1] / N{decay}", product, f"{product} + 2 * {PENALTY} * weights[l]",
    ]  # fmt: skip
    wrong["delta.sum(axis=0) / N"] = [
        "-delta.sum(axis=0) / N", "2 * delta.sum(axis=0) / N", "delta.sum(axis=0) / N / 2", "delta.sum(axis=0)",
        "delta.sum(axis=0) / N / N", "delta[-1]", "delta.sum(axis=1)[:4] / N",
        f"delta.sum(axis=0) / N + {PENALTY} * biases[l]",
    ]  # fmt: skip
    if depth > 1:
        wrong["(delta @ weights[l]) * slope(z[l - 1])"] = [
            "-(delta @ weights[l]) * slope(z[l - 1])", "2 * (delta @ weights[l]) * slope(z[l - 1])",
            "(delta @ weights[l]) / 2 * slope(z[l - 1])", "delta @ weights[l]",
            "(delta @ weights[l]) * slope(a[l])", "(delta @ weights[l]) * slope(z[l])",
            "(delta @ weights[l].T) * slope(z[l - 1])",
        ]  # fmt: skip
    return "\n".join(lines) + "\n", [(old, new) for old, changed in wrong.items() for new in changed]

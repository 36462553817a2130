"""Write every picture of the documentation and of the README: python docs/make_pictures.py.

They are drawn by the built-in layout, so the same checkout gives the same bytes on every machine. Curves and maps need
matplotlib (the extra `plot`) and the screenshot needs Chromium; without these, their files stay as they are.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
IMAGES = HERE / "images"
sys.path.insert(0, str(HERE.parent))

import numpy as np  # noqa: E402  # after the path is set, with the others

import nn  # noqa: E402  # the checkout's own package, found by the line above
import viz  # noqa: E402  # likewise
from autograd import Value, affine, explain, tanh  # noqa: E402  # likewise
from nn.commands import digits  # noqa: E402  # likewise
from viz.svg import svg  # noqa: E402  # likewise

__all__ = ["PICTURES", "PLOTS", "SCREENSHOTS", "page_of", "sha256", "two_neurons"]


def two_neurons() -> Value:
    """Return the output of two neurons in a row, the first with two inputs."""
    x = [Value(2.0, "x1"), Value(-1.0, "x2")]
    w = [Value(0.5, "w1"), Value(0.75, "w2")]
    z1 = affine(w, x, Value(0.25, "b1"))
    z1.label = "z1"
    a1 = tanh(z1)
    a1.label = "a1"
    z2 = affine([Value(-1.5, "w3")], [a1], Value(0.5, "b2"))
    z2.label = "z2"
    return z2


def backward() -> str:
    """Return the README's picture: a backward pass, every box a scalar."""
    return svg(viz.draw_backward(two_neurons(), digits=3).diagram)


def forward() -> str:
    """Return the forward pass of the same."""
    return svg(viz.draw(two_neurons(), digits=3).diagram)


def dark() -> str:
    """Return the README's picture on a dark ground."""
    return svg(viz.draw_backward(two_neurons(), digits=3, theme="dark").diagram)


def expression() -> str:
    """Return the backward pass of the first example of the README, x y + x."""
    x, y = Value(2.0, "x"), Value(3.0, "y")
    z = x * y + x
    z.label = "z"
    return svg(viz.draw_backward(z).diagram)


def used_twice() -> str:
    """Return the backward pass of x² + 2x, where x is used three times."""
    x = Value(3.0, "x")
    y = x * x + 2.0 * x
    y.label = "y"
    return svg(viz.draw_backward(y, rankdir="TB").diagram)


def paths() -> str:
    """Return the paths behind ∂y/∂x of a sum that x reaches in two ways, one of them negative."""
    x, w, v = Value(2.0, "x"), Value(0.5, "w"), Value(-1.5, "v")
    y = tanh(w * x) + v * x
    y.label = "y"
    return svg(viz.draw_paths(explain(y, x), digits=3).diagram)


def small_network() -> tuple[nn.MLP, Value]:
    """Return a 2-3-2 network and its loss on one example."""
    model = nn.MLP(2, [3, 2], activation="tanh", seed=4)
    loss = nn.half_squared_error(model([0.5, -1.0]), [1.0, 0.0])
    loss.label = "C"
    return model, loss


def neurons() -> str:
    """Return the backward pass of the network by neurons."""
    return svg(viz.draw_backward(small_network()[1], level="neuron", digits=3).diagram)


def layers() -> str:
    """Return both passes of the network by layers."""
    return str(viz.draw(small_network()[1], level="layer", digits=3).pipe("svg", encoding="utf-8"))


def network() -> str:
    """Return the network itself, with the gradients of its weights as lines."""
    return svg(viz.draw_network(*small_network()).diagram)


def main_job_network() -> str:
    """Return the main job's picture of a network."""
    return svg(viz.draw_network(*digits.small_network()).diagram)


def network_page() -> str:
    """Return the page of a network that is small enough to read."""
    return str(viz.to_html(digits.small_network()[1]))


@cache
def digit() -> tuple[nn.MLP, Value, dict[str, Any]]:
    """Return a network that has been trained a little, its cost of a digit that it gets wrong, and what a page says.

    Its weights are rounded, so that processors that differ in their last digits give the same pictures.
    """
    model, train, test = digits.start()
    digits.training(model, train, test, epochs=1)
    model.load_state_dict({name: np.round(values, 3) for name, values in model.state_dict().items()})
    return (model, *digits.misread(model, test))


def digit_page() -> str:
    """Return the page of a digit that a network gets wrong."""
    _, cost, about = digit()
    return str(viz.to_html(cost, **about))


def tiles() -> str:
    """Return the picture of the same: a network as tiles."""
    model, cost, _ = digit()
    return str(viz.draw_network(model, cost, image=(8, 8)).pipe("svg", encoding="utf-8"))


def forgetful_backprop(weights: Any, biases: Any, X: Any, T: Any) -> Any:
    """Return the gradients of a network with sigmoids, with two mistakes."""
    (W1, W2), (b1, b2) = weights, biases
    a1 = 1 / (1 + np.exp(-(X @ W1.T + b1)))
    a2 = 1 / (1 + np.exp(-(a1 @ W2.T + b2)))
    delta2 = (a2 - T) * a2 * (1 - a2)
    delta1 = delta2 @ W2 * a1
    dW = [delta1.T @ X / len(X), delta2.T @ a1 / len(X)]
    return dW, [delta1.mean(axis=0), delta2.sum(axis=0)], [delta1, delta2]


@cache
def report_page() -> str:
    """Return the page of what the referee says of these two mistakes."""
    model = nn.MLP(3, [4, 2], activation="sigmoid", output_activation="sigmoid", seed=0)
    rng = np.random.default_rng(0)
    X, T = rng.normal(size=(5, 3)), rng.uniform(size=(5, 2))
    return str(viz.to_html(nn.check_backprop(forgetful_backprop, model, X, T, "half_squared_error")))


def loss_curve() -> object:
    """Return the curves of the main job's training."""
    return viz.plots.learning_curves(digits.training(*digits.start()))


def decision_boundary() -> object:
    """Return the map of a network that was trained on two moons."""
    data = nn.data.moons(100, noise=0.1, seed=0)
    model = nn.MLP(2, [8, 1], activation="tanh", seed=0)
    T = 2.0 * data.y[:, None] - 1.0
    optimizer = nn.Adam(model.parameters(), 0.02)
    nn.fit(model, data.X, T, loss="hinge_loss", optimizer=optimizer, epochs=60, batch_size=10, seed=0)
    return viz.plots.decision_boundary(model, data.X, T)


def minimizers() -> object:
    """Return the course of each classical optimiser on the digits, and that of gradient descent in batches."""
    data = nn.data.load_digits()

    def start() -> nn.MLP:
        return nn.MLP(64, [10, 10], activation="tanh", seed=0)

    model = start()
    sgd = nn.SGD(model.parameters(), learning_rate=0.05, momentum=0.9)
    options = {"loss": "cross_entropy", "l2": 1e-3}
    courses = {
        "SGD with momentum, batches of 32": nn.fit(
            model, data.X, data.y, optimizer=sgd, epochs=30, batch_size=32, seed=0, **options
        )
    }
    for method in ("CG", "L-BFGS-B", "Newton-CG", "trust-ncg", "trust-krylov"):
        courses[method] = nn.minimize(start(), data.X, data.y, method=method, iterations=30, **options)
    return viz.plots.courses(courses)


PICTURES: dict[str, Callable[[], str]] = {
    "backward.svg": backward,
    "forward.svg": forward,
    "dark.svg": dark,
    "expression.svg": expression,
    "used_twice.svg": used_twice,
    "paths.svg": paths,
    "neurons.svg": neurons,
    "layers.svg": layers,
    "network.svg": network,
    "tiles.svg": tiles,
    "main_job_network.svg": main_job_network,
    "network_page.html": network_page,
    "digit_page.html": digit_page,
    "report_page.html": report_page,
}
"""What makes each file in docs/images that needs nothing else."""

PLOTS: dict[str, Callable[[], object]] = {
    "loss_curve.svg": loss_curve,
    "decision_boundary.svg": decision_boundary,
    "minimizers.svg": minimizers,
}
"""What makes each file that matplotlib draws; the last one needs SciPy, too."""

SCREENSHOTS = {
    "digit_network.png": ("digit_page.html", ""),
    "digit_layers.png": ("digit_page.html", "depth=layer&step=dW1.11"),
    "digit_neuron.png": ("digit_page.html", "depth=neuron&layer=1&neuron=7&theme=dark"),
    "report.png": ("report_page.html", ""),
    "network_scalars.png": ("network_page.html", "depth=scalars&step=delta1.1"),
}
"""The page and the place in it that each screenshot shows."""

_SIGNATURE, _KEY = b"\x89PNG\r\n\x1a\n", b"deltagrad-page\0"
_HEADER = len(_SIGNATURE) + 25  # the signature and the first chunk, which tells the size of the image


def sha256(page: Path) -> str:
    """Return the digest of a file."""
    return hashlib.sha256(page.read_bytes()).hexdigest()


def page_of(png: bytes) -> str:
    """Return the SHA-256 of the page that a screenshot shows, as `photograph` noted it; empty if it did not."""
    start = png.find(_KEY)
    return png[start + len(_KEY) :][:64].decode("ascii") if start >= 0 else ""


def photograph(page: Path, place: str, browser: str) -> bytes:
    """Return a screenshot of a place in a page, in which the page's SHA-256 is noted."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "screenshot.png")
        options = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--force-device-scale-factor=1.5",
            "--force-prefers-reduced-motion",
        ]
        subprocess.run(
            [browser, *options, "--window-size=1280,800", f"--screenshot={file}", f"{page.as_uri()}#{place}"],
            check=True,
            capture_output=True,
        )
        png = file.read_bytes()
    note = b"tEXt" + _KEY + sha256(page).encode("ascii")
    chunk = (len(note) - 4).to_bytes(4, "big") + note + zlib.crc32(note).to_bytes(4, "big")
    return png[:_HEADER] + chunk + png[_HEADER:]


def main() -> None:
    """Write the files."""
    IMAGES.mkdir(exist_ok=True)
    for name, made in PICTURES.items():
        (IMAGES / name).write_text(made(), encoding="utf-8", newline="\n")
    for name, plot in PLOTS.items():
        try:
            viz.save(plot(), IMAGES / name)
        except ImportError as error:
            sys.stderr.write(f"{name} stays as it is: {error}\n")
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    for name, (page, place) in SCREENSHOTS.items():
        file = IMAGES / name
        if file.exists() and page_of(file.read_bytes()) == sha256(IMAGES / page):
            continue
        if browser is None:
            sys.stderr.write(f"{name} stays as it is: Chromium is needed to take it\n")
            continue
        file.write_bytes(photograph(IMAGES / page, place, browser))


if __name__ == "__main__":
    main()

"""Write every picture of the documentation and of the README: python docs/make_pictures.py.

They are drawn by the built-in layout, so the same checkout gives the same bytes on every machine.
"""

import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
IMAGES = HERE / "images"
sys.path.insert(0, str(HERE.parent))

import nn  # noqa: E402  # the checkout's own package, found by the line above
import viz  # noqa: E402  # likewise
from autograd import Value, affine, explain, tanh  # noqa: E402  # likewise
from viz.svg import svg  # noqa: E402  # likewise

__all__ = ["PICTURES", "two_neurons"]


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


def stepper() -> str:
    """Return a page that steps through both passes of the same."""
    return str(viz.to_html(two_neurons(), digits=3, title="Two neurons"))


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
    """Return the backward pass of the network by layers."""
    return svg(viz.draw_backward(small_network()[1], level="layer", digits=3).diagram)


def network() -> str:
    """Return the network itself, with the gradients of its weights as lines."""
    return svg(viz.draw_network(*small_network()).diagram)


PICTURES: dict[str, Callable[[], str]] = {
    "backward.svg": backward,
    "forward.svg": forward,
    "dark.svg": dark,
    "used_twice.svg": used_twice,
    "paths.svg": paths,
    "neurons.svg": neurons,
    "layers.svg": layers,
    "network.svg": network,
    "stepper.html": stepper,
}
"""What makes each file in docs/images."""


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    for name, made in PICTURES.items():
        (IMAGES / name).write_text(made(), encoding="utf-8", newline="\n")

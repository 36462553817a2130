"""Curves and maps, drawn by matplotlib (the extra `plot`)."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from autograd import Value, no_grad
from nn import History
from nn.train.evaluation import Model

from .style import THEMES

__all__ = ["courses", "decision_boundary", "learning_curves"]

GRID = 121
"""Points along each side of a map."""


def learning_curves(history: History, *, theme: str = "light") -> Any:
    """Return a matplotlib figure of a training's loss, and of its accuracy where it has one, epoch by epoch.

    Args:
        history: What `nn.fit` returned.
        theme: "light" or "dark".

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If no epoch was recorded, or the theme is unknown.
    """
    colours = _theme(theme)
    if not len(history):
        raise ValueError("a history of no epochs has no curve")
    series = [("loss", history.loss, history.validation_loss)]
    if history.accuracy is not None:
        series.append(("accuracy", history.accuracy, history.validation_accuracy))
    figure = _figure(colours, 5.2 * len(series), 3.6)
    epochs = np.arange(1, len(history) + 1)
    for k, (name, training, validation) in enumerate(series):
        axes = _axes(figure, colours, (1, len(series), k + 1))
        axes.plot(epochs, training, color=colours["v"], lw=2, marker="o" if len(history) < 30 else "", ms=3.5)
        ends = [("training", float(training[-1]), colours["v"])]
        if validation is not None:
            axes.plot(epochs, validation, color=colours["g"], lw=2, ls="--")
            ends.append(("validation", float(validation[-1]), colours["g"]))
        _name_curves(axes, ends)
        axes.set_xlabel("epoch")
        axes.set_title(name, color=colours["ink"], loc="left", fontweight="bold")
        if name == "loss" and np.all(training > 0.0) and training.max() > 50.0 * training.min():
            axes.set_yscale("log")
    return figure


def courses(histories: Mapping[str, History], *, theme: str = "light") -> Any:
    """Return a matplotlib figure of the losses of several trainings, to compare them; losses stand on a log scale.

    Args:
        histories: What `nn.fit` or `nn.minimize` returned, by the name that stands beside its curve.
        theme: "light" or "dark".

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If there is no history, one has no epoch, one has a loss that is not positive, or the theme is
            unknown.
    """
    colours = _theme(theme)
    if not histories:
        raise ValueError("at least one history is needed, got none")
    for name, history in histories.items():
        if not len(history) or not np.all(history.loss > 0.0):
            raise ValueError(f"the history of {name} needs at least one epoch, and positive losses")
    figure = _figure(colours, 7.2, 4.2)
    axes = _axes(figure, colours, (1, 1, 1))
    palette = (colours["v"], colours["g"], colours["bad"], colours["soft"], colours["ink"])
    for k, (name, history) in enumerate(histories.items()):
        style = ("-", "--", ":")[k // len(palette) % 3]
        epochs = np.arange(1, len(history) + 1)
        axes.plot(epochs, history.loss, color=palette[k % len(palette)], lw=1.8, ls=style, label=name)
    axes.set_yscale("log")
    axes.set_xlabel("iteration, or epoch")
    axes.set_title("loss", color=colours["ink"], loc="left", fontweight="bold")
    axes.legend(frameon=False, labelcolor=colours["ink"], fontsize=9)
    return figure


def decision_boundary(
    model: Model, X: ArrayLike, T: ArrayLike | None = None, *, threshold: float = 0.0, theme: str = "light"
) -> Any:
    """Return a matplotlib figure of what a model of two inputs answers across the plane, with the examples.

    With one output the map shows it, and the boundary is where it equals `threshold`; with more, the map shows the
    largest output's class.

    Args:
        model: A model that is called with two numbers.
        X: Examples, shape (N, 2).
        T: Targets, shape (N,) or (N, n_out): classes, signs, or rows whose largest entry is the class.
        threshold: Where one output changes class: 0 for logits and tanh, 0.5 for probabilities.
        theme: "light" or "dark".

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If `X` is not of shape (N, 2), or `T` has not one row for each example.
    """
    colours = _theme(theme)
    X = np.asarray(X, dtype=float)
    if X.ndim != 2 or X.shape[1] != 2 or not len(X):
        raise ValueError(f"X must have the shape (N, 2), got {X.shape}")
    labels = _classes(T, len(X), threshold)
    margin = 0.15 * np.maximum(np.ptp(X, axis=0), 1e-6)
    (left, low), (right, high) = X.min(axis=0) - margin, X.max(axis=0) + margin
    across, up = np.linspace(left, right, GRID), np.linspace(low, high, GRID)
    with no_grad():
        answers = np.array([[_numbers(model([x, y])) for x in across] for y in up])
    figure = _figure(colours, 5.6, 4.6)
    axes = _axes(figure, colours, (1, 1, 1))
    _map(axes, colours, across, up, answers, threshold)
    for k in np.unique(labels):
        marker, colour = "os^Dvp"[int(k) % 6], (colours["v"], colours["g"], colours["bad"])[int(k) % 3]
        some = X[labels == k]
        axes.scatter(some[:, 0], some[:, 1], s=24, marker=marker, color=colour, edgecolors=colours["ground"], lw=0.7)
    axes.set_xlabel("x[0]")
    axes.set_ylabel("x[1]")
    axes.grid(visible=False)
    return figure


def _map(axes: Any, colours: Mapping[str, str], across: Any, up: Any, answers: Any, threshold: float) -> None:
    """Draw the answers: one output as shades with its boundary, several as areas."""
    from matplotlib.colors import LinearSegmentedColormap, ListedColormap

    if answers.shape[2] == 1:
        shades = LinearSegmentedColormap.from_list("signed", [colours["v"], colours["ground"], colours["g"]])
        height = answers[:, :, 0] - threshold
        reach = float(np.abs(height).max()) or 1.0
        plane = (across[0], across[-1], up[0], up[-1])
        image = {"origin": "lower", "extent": plane, "aspect": "auto", "interpolation": "bilinear"}
        axes.imshow(height, cmap=shades, vmin=-reach, vmax=reach, alpha=0.45, **image)
        if height.min() < 0.0 < height.max():
            axes.contour(across, up, height, levels=[0.0], colors=[colours["ink"]], linewidths=1.6)
        return
    classes = answers.argmax(axis=2)
    areas = ListedColormap([(colours["v"], colours["g"], colours["bad"])[k % 3] for k in range(answers.shape[2])])
    axes.pcolormesh(across, up, classes, cmap=areas, vmin=0, vmax=answers.shape[2] - 1, alpha=0.25, shading="nearest")


def _numbers(outputs: Value | Sequence[Value]) -> list[float]:
    return [outputs.data] if isinstance(outputs, Value) else [output.data for output in outputs]


def _classes(T: ArrayLike | None, count: int, threshold: float) -> Any:
    if T is None:
        return np.zeros(count, dtype=int)
    targets = np.asarray(T, dtype=float).reshape(len(np.asarray(T)), -1)
    if len(targets) != count:
        raise ValueError(f"T must have a row for each of the {count} examples, got {len(targets)}")
    if targets.shape[1] > 1:
        return targets.argmax(axis=1)
    column = targets[:, 0]
    whole = np.all(column == np.round(column)) and column.min() >= 0.0
    return column.astype(int) if whole else (column > threshold).astype(int)


def _theme(theme: str) -> Mapping[str, str]:
    if theme not in ("light", "dark"):
        raise ValueError(f'theme must be "light" or "dark", got {theme!r}')
    return THEMES[theme]


def _figure(colours: Mapping[str, str], wide: float, high: float) -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("viz.plots needs matplotlib: pip install matplotlib") from error

    class Shown(Figure):
        """A figure that a notebook shows without `%matplotlib inline`."""

        def _repr_png_(self) -> bytes:
            image = io.BytesIO()
            self.savefig(image, format="png")
            return image.getvalue()

    figure: Any = Shown(figsize=(wide, high), dpi=120, facecolor=colours["ground"], layout="constrained")
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.08)
    return figure


def _axes(figure: Any, colours: Mapping[str, str], position: tuple[int, int, int]) -> Any:
    axes = figure.add_subplot(*position, facecolor=colours["ground"])
    axes.tick_params(colors=colours["soft"], labelsize=9)
    axes.xaxis.label.set_color(colours["soft"])
    axes.yaxis.label.set_color(colours["soft"])
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(colours["edge"])
    axes.grid(visible=True, color=colours["edge"], alpha=0.25, lw=0.7)
    return axes


def _name_curves(axes: Any, ends: list[tuple[str, float, str]]) -> None:
    """Write each curve's name and last value beside the axes, the higher one above."""
    ordered = sorted(ends, key=lambda end: -end[1])
    for k, (name, last, colour) in enumerate(ordered):
        shown = f"{name} {last:.3g}"
        axes.text(
            1.0,
            1.02 + 0.07 * (len(ordered) - 1 - k),
            shown,
            transform=axes.transAxes,
            color=colour,
            ha="right",
            fontsize=9,
        )

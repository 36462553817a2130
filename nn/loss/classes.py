"""Class labels as targets: which classes there are, and the rows of numbers that tell them to a loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments import FloatArray, float_rows
from .loss_table import LossFunction, facts_of, name_of

__all__ = ["Classes", "Label", "are_labels", "class_targets", "known_classes", "positions", "target_rows"]

Label: TypeAlias = int | str | bool
Classes: TypeAlias = tuple[Label, ...]
"""The classes, in the order of the outputs; for one output, that of 0 and that of 1."""


def are_labels(targets: NDArray[Any], loss: LossFunction, n_out: int) -> bool:
    """Return whether targets are labels of classes: words, truth values, or a vector of whole numbers.

    A vector of floats for a single output is one of targets; for several outputs, whole floats are labels.
    """
    if targets.dtype.kind in "USOb":
        return True
    if targets.ndim != 1 or not facts_of(loss).classifies or targets.dtype.kind not in "iuf":
        return False
    if targets.dtype.kind == "f":
        return n_out > 1 and bool((targets == np.floor(targets)).all())
    return True


def target_rows(
    name: str, given: ArrayLike, loss: LossFunction, n_out: int, classes: Sequence[Label] | None
) -> tuple[FloatArray, Classes | None]:
    """Return targets as rows of numbers, (N, n_out), and the classes if they were labels.

    Args:
        name: What the targets are called in error messages.
        given: Rows of numbers, a vector of numbers for one output, or labels of classes.
        loss: The loss.
        n_out: The number of the model's outputs.
        classes: The classes, if they are known.

    Raises:
        TypeError: If they are neither numbers nor labels.
        ValueError: If they are ragged, not finite, or labels that the loss or the outputs do not take.
    """
    if type(given) is np.ndarray and given.ndim == 2 and given.dtype == float and np.isfinite(given).all():
        return (given, None) if given.size else (float_rows(name, given), None)
    try:
        targets = np.asarray(given)
    except ValueError as error:
        raise ValueError(f"{name} must be rectangular, got rows of different lengths") from error
    if targets.size and are_labels(targets, loss, n_out):
        return class_targets(name, targets, loss, n_out, None if classes is None else tuple(classes))
    if targets.ndim == 1 and n_out == 1:
        targets = targets[:, None]
    return float_rows(name, targets), None


def class_targets(
    name: str, labels: NDArray[Any], loss: LossFunction, n_out: int, classes: Classes | None
) -> tuple[FloatArray, Classes]:
    """Return the targets that tell some labels to a loss, (N, n_out), and the classes.

    Args:
        name: What the labels are called in error messages.
        labels: (N,).
        loss: The loss.
        n_out: The number of the model's outputs: one for each class, or a single one for two.
        classes: The classes, if they are known; otherwise they are those among the labels, in order, or 0, 1, … where
            all labels are numbers of outputs.

    Raises:
        TypeError: If the labels are neither whole numbers, words nor truth values.
        ValueError: If the loss is not one for classes, or there are not as many classes as it takes.
    """
    facts = facts_of(loss)
    if not facts.classifies:
        raise ValueError(
            f"{name} holds classes, and {name_of(loss)} takes numbers: make rows with nn.one_hot, or take a loss for "
            "classes, such as cross_entropy"
        )
    found = known_classes(name, labels, n_out, facts.off, classes)
    index = positions(name, labels, found)
    T = np.full((len(labels), n_out), facts.off)
    if n_out == 1:
        T[index == 1] = 1.0
    else:
        T[np.arange(len(labels)), index] = 1.0
    return T, found


def known_classes(
    name: str, labels: NDArray[Any], n_out: int, off: float = 0.0, classes: Sequence[Label] | None = None
) -> Classes:
    """Return the classes in the order of the outputs.

    Raises:
        TypeError: If the labels are neither whole numbers, words nor truth values.
        ValueError: If there are not as many as the outputs tell apart, or one comes twice.
    """
    count = max(n_out, 2)
    if classes is None:
        present = _distinct(name, labels)
        usual = tuple(range(count)) if off == 0.0 or n_out > 1 else (int(off), 1)
        whole = all(type(label) is int for label in present)
        classes = usual if whole and set(present) <= set(usual) else tuple(sorted(present))
        if set(present) <= {False, True} and not whole:
            classes = (False, True)
    classes = tuple(label.item() if isinstance(label, np.generic) else label for label in classes)
    if len(set(classes)) != len(classes):
        raise ValueError(f"a class comes twice among {list(classes)}")
    if len(classes) != count:
        outputs = "a single output tells 2 classes" if n_out == 1 else f"{n_out} outputs tell {n_out} classes"
        raise ValueError(f"{outputs} apart, got {len(classes)}: {_listed(classes)}")
    return classes


def positions(name: str, labels: NDArray[Any], classes: Classes) -> NDArray[np.int64]:
    """Return the place of each label among the classes.

    Raises:
        TypeError: If the labels are neither whole numbers, words nor truth values.
        ValueError: If a label is none of the classes.
    """
    present = _distinct(name, labels)
    place = {(type(label) is str, label): k for k, label in enumerate(classes)}
    unknown = [label for label in present if (type(label) is str, label) not in place]
    if unknown:
        raise ValueError(f"{name} holds {unknown[0]!r}, which is none of the classes {_listed(classes)}")
    places = np.array([place[type(label) is str, label] for label in present], dtype=np.int64)
    _, inverse = np.unique(_comparable(labels), return_inverse=True)
    found: NDArray[np.int64] = places[inverse.reshape(-1)]
    return found


def _distinct(name: str, labels: NDArray[Any]) -> list[Label]:
    """Return each label once, in order, as Python's own int, str or bool."""
    if labels.ndim != 1:
        raise ValueError(f"{name} must hold one class for each example, shape (N,), got shape {labels.shape}")
    if labels.dtype.kind == "O":
        kinds = {type(label) for label in labels.tolist()}
        if len(kinds) != 1 or not issubclass(kinds.pop(), (str, int, np.integer, np.bool_)):
            raise TypeError(f"{name} must hold classes of one kind: whole numbers, words or truth values")
    elif labels.dtype.kind not in "iubUf":
        raise TypeError(f"{name} must hold whole numbers, words or truth values as classes, got {labels.dtype}")
    distinct = np.unique(_comparable(labels)).tolist()
    return [int(label) for label in distinct] if labels.dtype.kind == "f" else distinct


def _comparable(labels: NDArray[Any]) -> NDArray[Any]:
    return np.array(labels.tolist()) if labels.dtype.kind == "O" else labels


def _listed(classes: Sequence[Label]) -> str:
    return ", ".join(map(repr, classes[:10])) + (", …" if len(classes) > 10 else "")

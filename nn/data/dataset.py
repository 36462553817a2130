"""What a data set is, and how it is split.

`Dataset` is a plain record: inputs `X`, classes `y`, and the names that make them readable. Classes are
integers here, because files and splits want them so; the losses want targets as rows of floats, which
`nn.one_hot(y, n_classes)` makes.
"""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autograd.notebook import folded, table

from ..arguments import generator
from ..loss.targets import one_hot

SHOWN_ROWS, SHOWN_COLUMNS = 5, 8
"""Of the table in a notebook."""


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Labelled examples: one row of `X` and one entry of `y` per example.

    Attributes:
        X: Inputs, float, shape (N, n_features).
        y: Classes, integers from 0 to n_classes − 1, shape (N,).
        feature_names: One name per column of `X`.
        class_names: One name per class.
        name: What the data set is called.
        description: Source, units and scaling.

    Raises:
        ValueError: If the shapes do not fit together, an input is not finite, or a class has no name.
    """

    X: NDArray[np.float64]
    y: NDArray[np.int64]
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    name: str
    description: str

    def __post_init__(self) -> None:
        if self.X.ndim != 2 or self.y.shape != self.X.shape[:1]:
            raise ValueError(
                f"a Dataset needs X of shape (N, n) and y of shape (N,), got {self.X.shape}, {self.y.shape}"
            )
        if not np.isfinite(self.X).all():
            raise ValueError("a Dataset needs finite inputs, got NaN or an infinity in X")
        if len(self.feature_names) != self.X.shape[1]:
            raise ValueError(f"X has {self.X.shape[1]} columns, but {len(self.feature_names)} feature names were given")
        if len(self.y) and not (self.y.min() >= 0 and self.y.max() < len(self.class_names)):
            raise ValueError(
                f"classes must lie between 0 and {len(self.class_names) - 1}, got {self.y.min()} to {self.y.max()}"
            )

    def __len__(self) -> int:
        return len(self.y)

    @property
    def n_classes(self) -> int:
        """The number of classes."""
        return len(self.class_names)

    @property
    def T(self) -> NDArray[np.float64]:  # noqa: N802  # the documents' name of the targets
        """The classes as one-hot rows, shape (N, n_classes): targets for `cross_entropy`."""
        return one_hot(self.y, self.n_classes)

    def subset(self, rows: ArrayLike) -> Dataset:
        """Return the examples at the given rows, in that order, as a new data set."""
        index = np.asarray(rows)
        return dataclasses.replace(self, X=self.X[index], y=self.y[index])

    def __repr__(self) -> str:
        return f"Dataset({self.name}: {len(self)} examples, {self.X.shape[1]} inputs, {self.n_classes} classes)"

    def _repr_html_(self) -> str:
        """Return how many examples each class has and the first few examples, for a notebook."""
        counts = np.bincount(self.y, minlength=self.n_classes)
        classes = table(
            ("class", "examples"), [(name, int(n)) for name, n in zip(self.class_names, counts, strict=True)]
        )
        columns = min(len(self.feature_names), SHOWN_COLUMNS)
        more = ["…"] if len(self.feature_names) > columns else []
        rows = [
            (*row[:columns].tolist(), *more, self.class_names[c])
            for row, c in zip(self.X[:SHOWN_ROWS], self.y[:SHOWN_ROWS], strict=True)
        ]
        examples = table((*self.feature_names[:columns], *more, "class"), rows)
        return f"<p>{html.escape(repr(self))}</p>{classes}{folded('First examples', examples)}"


def stratified_split(
    y: ArrayLike, fractions: Sequence[float], *, seed: int | np.random.Generator
) -> list[NDArray[np.int64]]:
    """Return the row numbers of each part of a random split that keeps the proportions of the classes.

    Every class is shuffled and cut by itself, at the rounded cumulative fractions; the rows of a part are shuffled
    once more, so that a part is not ordered by class. Each row is in exactly one part.

    Args:
        y: Classes, shape (N,).
        fractions: The size of each part; positive, with sum 1.
        seed: A seed or a generator; the same seed gives the same split.

    Raises:
        ValueError: If `y` is empty or not one-dimensional, the fractions are not positive with sum 1, or a part
            would be empty.

    Example:
        >>> train, validation, test = stratified_split([0, 0, 0, 0, 1, 1, 1, 1], [0.5, 0.25, 0.25], seed=0)
        >>> len(train), len(validation), len(test)
        (4, 2, 2)
    """
    classes = np.asarray(y)
    if classes.ndim != 1 or classes.size == 0:
        raise ValueError(f"a split needs one class per example, shape (N,) with N > 0, got shape {classes.shape}")
    shares = np.asarray(fractions, dtype=float)
    # The comparison also refuses NaN; 1e-9 leaves room for fractions such as 0.7, 0.2, 0.1.
    if shares.ndim != 1 or not (shares > 0).all() or not abs(shares.sum() - 1.0) <= 1e-9:
        raise ValueError(f"the fractions of a split must be positive and sum to 1, got {list(fractions)}")
    rng = generator(seed)
    parts: list[list[NDArray[np.int64]]] = [[] for _ in shares]
    for label in np.unique(classes):
        members = rng.permutation(np.flatnonzero(classes == label))
        cuts = np.round(np.cumsum(shares)[:-1] * len(members)).astype(int)
        for part, rows in zip(parts, np.split(members, cuts), strict=True):
            part.append(rows)
    result = [rng.permutation(np.concatenate(part)) for part in parts]
    for fraction, rows in zip(shares, result, strict=True):
        if len(rows) == 0:
            most = np.unique(classes, return_counts=True)[1].max()
            raise ValueError(
                f"the part with fraction {fraction:g} of {len(classes)} examples would be empty: each class is split "
                f"by itself, and none has more than {most}"
            )
    return result


def train_test_split(
    dataset: Dataset, *, test_fraction: float = 0.25, seed: int | np.random.Generator = 0
) -> tuple[Dataset, Dataset]:
    """Return the training part and the test part of a data set, with the same proportions of classes in both.

    Args:
        dataset: What to split.
        test_fraction: The share of the test part, between 0 and 1.
        seed: A seed or a generator; the same seed gives the same split.

    Raises:
        ValueError: If `test_fraction` is not between 0 and 1, or a part would be empty.

    Example:
        >>> from nn.data import load_iris
        >>> train_test_split(load_iris(), test_fraction=0.2, seed=0)
        (Dataset(iris: 120 examples, 4 inputs, 3 classes), Dataset(iris: 30 examples, 4 inputs, 3 classes))
    """
    if not 0.0 < test_fraction < 1.0:
        raise ValueError(f"test_fraction must lie between 0 and 1, got {test_fraction!r}")
    train, test = stratified_split(dataset.y, [1.0 - test_fraction, test_fraction], seed=seed)
    return dataset.subset(train), dataset.subset(test)


def train_validation_test_split(
    dataset: Dataset,
    *,
    fractions: Sequence[float] = (0.6, 0.2, 0.2),
    seed: int | np.random.Generator = 0,
) -> tuple[Dataset, Dataset, Dataset]:
    """Return three parts of a data set with the same proportions of classes: to train on, to choose by, to test with.

    Args:
        dataset: What to split.
        fractions: The sizes of the parts, positive with sum 1.
        seed: A seed or a generator; the same seed gives the same split.

    Raises:
        ValueError: If there are not three positive fractions with sum 1, or a part would be empty.

    Example:
        >>> from nn.data import load_iris
        >>> [len(part) for part in train_validation_test_split(load_iris(), seed=0)]
        [90, 30, 30]
    """
    if len(fractions) != 3:
        raise ValueError(f"three fractions are needed, got {list(fractions)}")
    train, validation, test = stratified_split(dataset.y, fractions, seed=seed)
    return dataset.subset(train), dataset.subset(validation), dataset.subset(test)

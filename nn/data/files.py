"""The data sets that are shipped with the package; `DATA.md` beside this file states source and licence."""

from __future__ import annotations

import csv
import gzip
import importlib.resources

import numpy as np

from .dataset import Dataset

__all__ = ["load_digits", "load_iris"]


def load_digits() -> Dataset:
    """Return the 1,797 handwritten digits of the UCI repository, as inputs between 0 and 1.

    `X` has shape (1797, 64): the 8×8 pixels row by row, each a whole number from 0 to 16 in the file, divided by 16
    here. `X[i].reshape(8, 8)` is the picture of digit `y[i]`.

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository,
    1998 (test part), CC BY 4.0.

    Example:
        >>> load_digits()
        Dataset(digits: 1797 examples, 64 inputs, 10 classes)
    """
    digits, *pixels = np.frombuffer(_unpacked("digits.gz"), dtype=np.uint8).reshape(65, -1)
    X = np.empty((len(digits), 64))
    X[np.argsort(digits, kind="stable")] = np.transpose(pixels) / 16.0
    return Dataset(
        X=X,
        y=digits.astype(np.int64),
        feature_names=tuple(f"pixel[{i},{j}]" for i in range(8) for j in range(8)),
        class_names=tuple(str(digit) for digit in range(10)),
        name="digits",
        description=(
            "Optical Recognition of Handwritten Digits (test part), E. Alpaydin and C. Kaynak, UCI Machine Learning "
            "Repository, 1998, CC BY 4.0. 8×8 pixels, 0 to 16 in the file, divided by 16."
        ),
    )


def load_iris() -> Dataset:
    """Return Fisher's 150 iris flowers, four lengths each in centimetres, unscaled.

    Source: R. A. Fisher, The use of multiple measurements in taxonomic problems, Annals of Eugenics 7 (1936), 179–188.

    Example:
        >>> load_iris().class_names
        ('setosa', 'versicolor', 'virginica')
    """
    header, *rows = _rows("iris.csv.gz")
    class_names = tuple(dict.fromkeys(row[-1] for row in rows))
    return Dataset(
        X=np.array([row[:-1] for row in rows], dtype=float),
        y=np.array([class_names.index(row[-1]) for row in rows], dtype=np.int64),
        feature_names=tuple(header[:-1]),
        class_names=class_names,
        name="iris",
        description=(
            "Iris, R. A. Fisher, The use of multiple measurements in taxonomic problems, Annals of Eugenics 7 (1936), "
            "179–188. Lengths in centimetres, unscaled."
        ),
    )


def _rows(name: str) -> list[list[str]]:
    return list(csv.reader(_unpacked(name).decode("utf-8").splitlines()))


def _unpacked(name: str) -> bytes:
    return gzip.decompress(importlib.resources.files("nn.data").joinpath(name).read_bytes())

"""Data sets: two shipped, four made by seeded generators, yours from CSV or a frame; splits, standardisation."""

from .csv_files import read_csv, read_csv_inputs
from .dataset import Dataset, stratified_split, train_test_split, train_validation_test_split
from .files import load_digits, load_iris
from .frames import from_frame
from .generators import circles, moons, spirals, xor
from .standardization import Standardization

__all__ = [
    "Dataset",
    "Standardization",
    "circles",
    "from_frame",
    "load_digits",
    "load_iris",
    "moons",
    "read_csv",
    "read_csv_inputs",
    "spirals",
    "stratified_split",
    "train_test_split",
    "train_validation_test_split",
    "xor",
]

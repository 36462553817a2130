"""Data sets: two real ones shipped as files, four made by seeded generators, and a stratified split."""

from nn.data.dataset import Dataset, stratified_split, train_test_split
from nn.data.files import load_digits, load_iris
from nn.data.generators import circles, moons, spirals, xor

__all__ = [
    "Dataset",
    "circles",
    "load_digits",
    "load_iris",
    "moons",
    "spirals",
    "stratified_split",
    "train_test_split",
    "xor",
]

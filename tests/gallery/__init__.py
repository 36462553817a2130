"""Architectures in the code that an ordinary user writes, each with the equations that it should print.

A module has `fun`, the loss of one example; `SHAPES`, the length of each input; and where it matters `TARGET` ("onehot"
or "binary", what t is) and `ONEHOT` (the length of the one-hot rows that an input consists of). Its docstring ends with
the text.
"""

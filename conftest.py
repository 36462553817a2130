"""Imports the packages as users do, before pytest imports their modules one by one.

`autograd.lift` is a function, and the package of its passes has the same name. Had pytest to import that package before
`autograd`, it would put it in the function's place afterwards.
"""

import importlib.util

import autograd  # noqa: F401  # the import is the point

collect_ignore = ["autograd/numpy.py"]  # it raises the error that says why it is not there
if importlib.util.find_spec("sklearn") is None:
    collect_ignore.append("nn/sklearn.py")  # likewise: it needs the extra `sklearn`

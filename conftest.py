"""Imports the packages as users do, before pytest imports their modules one by one.

`autograd.lift` is a function, and the package of its passes has the same name. Had pytest to import that package before
`autograd`, it would put it in the function's place afterwards.
"""

import importlib.util
import os

import autograd  # noqa: F401  # the import is the point

os.environ["DELTAGRAD_STRICT"] = "1"  # an error of the referee's own fails a test, and is no answer
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # or each process that a test starts compiles everything for a second

collect_ignore = ["autograd/numpy.py"]  # it raises the error that says why it is not there
if importlib.util.find_spec("sklearn") is None:
    collect_ignore.append("nn/sklearn.py")  # likewise: it needs the extra `sklearn`

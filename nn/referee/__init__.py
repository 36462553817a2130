"""The referee: is a backpropagation derived by hand right, and if not, where and how is it wrong?

A call of `check_backprop` (module `check`) goes through the other modules in this order:

- `conventions` finds out how your function is to be called, `handing` by the names of its arguments; `submission`
  calls it and brings what it returns into one form; `returned` tells which array is which.
- `reference` has the engine differentiate the same network, and `rounding` bounds what rounding can do to the result.
- `comparison` puts each of your arrays beside the right one: right, undecidable, or equal to another array?
- `mistakes`, `delta_mistakes` and `gradient_mistakes` compute the other arrays: what comes out if one or two things
  in a right formula are replaced.
- `diagnosis` goes through the layers from the output downwards where δ was handed in, `inference` where it was not;
  `unexplained` locates what no mistake explains.
- `foreign` takes models of PyTorch and Keras for the MLP of their weights.
- `any_network` does all of this for a network that is no MLP, by the names of its parameters.
- `headline` says what is wrong with all of it at once, and `report` keeps the findings and tells them.
"""

from .check import check_backprop
from .report import Finding, Report

__all__ = ["Finding", "Report", "check_backprop"]

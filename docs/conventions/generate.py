"""Write docs/conventions.md: run the engine at the edge points and put the numbers of other libraries beside it.

`python docs/conventions/generate.py`, from the root of the repository. What other libraries gave was measured once
(measure_peer.py) and is kept in peers.json with their versions.
"""

import importlib.util
import json
from pathlib import Path

from autograd import DomainError, Value, grad, gradients
from autograd.op import PRIMITIVES

HERE = Path(__file__).parent
TARGET = HERE.parent / "conventions.md"

INTRODUCTION = """\
# Conventions at the edges

What every operation and its partial derivatives are at signed zeros, subnormals, ±1, large numbers, kinks, ties,
borders of the domain and where results overflow, and what other libraries give there. The column "here" is made by
running the code, and a test holds it; the others were measured once, in environments of their own, in float64.

A cell shows the value and, after a semicolon, the partial derivative by each argument, rounded to six digits. "Refused"
means that a `DomainError` says what was wrong; "undefined", that a backward pass needing this derivative raises; "–",
that the library has no such function.

A refused point has no number to show. Where the other columns have inf or nan, a Value would have to carry it on: one
nan makes every gradient it reaches nan, and an inf turns into nan where it meets 0 or another inf, far from where the
mistake was made. The error names the operation and its arguments instead. It comes with the operation, except where a
product, a power or `exp` overflows: that number may come back among the floats, as in e^(−x²), 1/(1 + e^(−x)) or
x/√(1 + x²), so it is kept with more digits and without bounds, and the error comes when somebody reads it, compares it
in a way that needs the number, or differentiates it. What comes back is a float like any other, and so are its
derivatives.

The rules behind the column "here":

- A Value that can be read is finite. What overflows, or would be inf or NaN, is refused; what underflows is rounded as
  IEEE says.
- An undefined derivative is passed over where nothing arrives at it: the branch that `where`, `relu`, `maximum` or
  `minimum` did not take, what `step`, `sign` or `stop_gradient` was applied to, and what a constant 0 multiplies. So
  `where(x > 0, sqrt(x), 0)` has the derivative 0 at 0. An adjoint that merely happens to be 0 asks for it: `sqrt(x)**2`
  at 0 is refused.
- At a kink the derivative is one of the slopes beside it or their mean: relu′(0) = 0, |x|′(0) = 0, leaky_relu′(0) =
  0.01, elu′(0) = 1; tied arguments of maximum and minimum get ½ each; hypot at the origin gets 0 and 0.
- `x**0` is 1 for every x, 0 included, with derivative 0 in x. With a number as exponent, `x**n` has its derivatives of
  every order at 0 and below. The derivative in the exponent is undefined for x < 0, and 0 at x = 0.
- sigmoid, softplus, tanh and logsumexp give a value within a few units of the last place for every finite argument;
  nothing switches to an approximation. Their derivatives are those of the rounded value: 1 − a² and a(1 − a), to a unit
  of 1, not of what is left. So tanh′(20) and sigmoid′(40) are 0, as in the other libraries, though the numbers are
  1.7·10⁻¹⁷ and 4.2·10⁻¹⁸.
- `log` of a sigmoid a, and of 1 − a written so, is that of its argument by softplus, right also where a is rounded to 0
  or 1; e^(v − logsumexp) is a shifted exponential divided by the sum of such.
- `where` has derivative 0 in its condition, and −0.0 is false like 0.0.

Second derivatives at kinks stand [at the end](#second-derivatives-at-kinks).

"""

KINKS = """\
## Second derivatives at kinks

Of the operations of one argument, by the engine: the rule of the first derivative, differentiated again. Where the
slopes beside a kink are constant it is 0; elu″(0) is the mean of 1 on the left and 0 on the right.

"""


def _points():
    spec = importlib.util.spec_from_file_location("points", HERE / "points.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.POINTS


def here(op, args):
    """The value and partial derivatives of an operation by the engine, as text."""
    leaves = [Value(x) for x in args]
    try:
        out = op(leaves) if op.arity is None else op(*leaves)
        value = out.data
    except DomainError:
        return "refused"
    partials = []
    for leaf in leaves:
        try:
            partials.append(_digits(gradients(out, leaf)))
        except DomainError:
            partials.append("undefined")
    return f"{_digits(value)}; {', '.join(partials)}"


def there(peer, name, k):
    """What another library gave, as text."""
    if name not in peer["results"]:
        return "–"
    value, partials = peer["results"][name][k]
    if value.endswith("Error"):
        return value
    shown = _digits(float(value))
    return f"{shown}; {', '.join(_digits(float(p)) for p in partials)}" if partials else shown


def tables():
    """The lines of the tables, one for each operation under its name."""
    peers = json.loads((HERE / "peers.json").read_text(encoding="utf-8"))
    titles = ["at", "here", *(peer["version"] for peer in peers)]
    for name, points in _points().items():
        yield from (f"## {name}", "", f"| {' | '.join(titles)} |", f"|{' --- |' * len(titles)}")
        for k, args in enumerate(points):
            at = ", ".join(map(_digits, args))
            cells = [at, here(PRIMITIVES[name], args), *(there(peer, name, k) for peer in peers)]
            yield f"| {' | '.join(cells)} |"
        yield ""


def second(op, at):
    """The second derivative of an operation of one argument by the engine, as text."""
    try:
        return _digits(grad(grad(op))(at))
    except DomainError:
        return "undefined"


def table_of_kinks():
    """The lines of the table of second derivatives."""
    lines = ["| operation | at | first derivative | second derivative |", f"|{' --- |' * 4}"]
    for name, op in PRIMITIVES.items():
        kinks = op.at_kinks if op.arity == 1 else ()
        for at in dict.fromkeys(kink.at[0] for kink in kinks):
            first = here(op, (at,)).split("; ")[1]
            lines.append(f"| {name} | {_digits(at)} | {first} | {second(op, at)} |")
    return lines


def document():
    """The whole page."""
    return INTRODUCTION + "\n".join(tables()) + "\n" + KINKS + "\n".join(table_of_kinks()) + "\n"


def _digits(number):
    return f"{number:.6g}"


if __name__ == "__main__":
    TARGET.write_text(document(), encoding="utf-8")

"""Functions from functions: derivatives of ordinary Python and NumPy code, with JAX's names and argument order.

A function may take numbers, lists, tuples, dicts and arrays of them, nested. It is called with a `Value` in the place
of every number, and an array becomes an object array of Values of the same shape, on which `W @ x`, `np.tanh(z)` and
`a.sum()` work. Results are floats and float arrays.

The transformations compose: `grad(grad(f))` is the second derivative, and a function may call `grad` inside. Where an
argument is itself a Value, or a derivative depends on the variables of a transformation further out, the result is a
Value in that graph. Other Values that a function uses, such as the parameters of a model, count as constants.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import index
from typing import Any

import numpy as np

from .call import Call, finished, kind_of, within_a_transformation
from .linearization import Linearization
from .structure import Structure, array_of, taken_apart
from .value import Literal, Value, recording

__all__ = ["grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"]

Fun = Callable[..., Any]


def grad(fun: Fun, argnums: int | Sequence[int] = 0) -> Fun:
    """Return a function that gives the gradient of `fun` in one argument or several, by one reverse pass.

    Args:
        fun: Returns one Value.
        argnums: The place of the argument to differentiate in; several give a tuple of gradients.

    Raises:
        TypeError: When called: if `fun` does not return a Value, or `argnums` names no argument. `np.maximum` and
            `np.where` select one of their arguments and record nothing: use `autograd.maximum` and `autograd.where`.
        ValueError: When called: if `argnums` is empty or names an argument twice.
        DomainError: When called: if a derivative is undefined there, or not finite.

    Example:
        >>> grad(lambda x: x**3)(2.0), grad(grad(lambda x: x**3))(2.0)
        (12.0, 12.0)
    """
    both = value_and_grad(fun, argnums)

    def gradient(*args: Any, **kwargs: Any) -> Any:
        return both(*args, **kwargs)[1]

    return gradient


def value_and_grad(fun: Fun, argnums: int | Sequence[int] = 0) -> Fun:
    """Return a function that gives the pair of what `fun` returns, as a float, and its gradient as `grad` gives it.

    Takes and raises what `grad` does.

    Example:
        >>> import numpy as np
        >>> value_and_grad(lambda x: (x * x).sum())(np.array([1.0, 2.0]))
        (5.0, array([2., 4.]))
    """
    places = _places(argnums)

    def value_and_gradient(*args: Any, **kwargs: Any) -> Any:
        call = Call(fun, args, kwargs, _within(places, args))
        call.require_one_output("grad")
        with recording():
            trees = call.filled(call.gradient(recorded=call.recorded), recorded=call.recorded)
        return call.primals_out(), tuple(trees) if isinstance(argnums, Iterable) else trees[0]

    return value_and_gradient


def jacobian(fun: Fun, argnums: int = 0) -> Fun:
    """Return a function that gives the derivative of every output of `fun` in every entry of one argument.

    An output of shape s and an argument of shape t give an array of shape s + t; two numbers give a float. Lists nest
    likewise: first as the output does, then as the argument. It takes one linearization and a sweep over it, in
    reverse or forward, whichever has fewer directions.

    Raises:
        TypeError: When called: if `argnums` names no argument.
        DomainError: When called: if a derivative is undefined there, or not finite.

    Example:
        >>> jacobian(lambda x: [x[0] * x[1], x[0]])([2.0, 3.0])
        [[3.0, 2.0], [1.0, 0.0]]
    """

    def derivative(*args: Any, **kwargs: Any) -> Any:
        call = Call(fun, args, kwargs, _within((index(argnums),), args))
        with recording():
            matrix = _matrix(call.outputs, call.variables, recorded=call.recorded)
        return _in_blocks(matrix, call.out, call.structures[0])

    return derivative


def hessian(fun: Fun, argnums: int = 0) -> Fun:
    """Return a function that gives the second derivatives of `fun` in the entries of one argument.

    Forward over reverse: one reverse pass is recorded, and a forward sweep through that graph carries one direction
    for each of the n entries. The graph of the gradient is a small multiple of the graph of `fun`, so the cost is
    about n times that of a gradient. An argument of shape t gives an array of shape t + t; a list of n numbers gives
    a list of n lists.

    Raises:
        TypeError: When called: if `fun` does not return a Value, or `argnums` names no argument.
        DomainError: When called: if a derivative is undefined there, or not finite.

    Example:
        >>> hessian(lambda x: x[0] ** 2 * x[1])([3.0, 5.0])
        [[10.0, 6.0], [6.0, 0.0]]
    """

    def second_derivative(*args: Any, **kwargs: Any) -> Any:
        call = Call(fun, args, kwargs, _within((index(argnums),), args))
        call.require_one_output("hessian")
        with recording():
            slopes = call.gradient(recorded=True)
            matrix = _matrix(slopes, call.variables, recorded=call.recorded, forward=True)
        return _in_blocks(matrix, call.structures[0], call.structures[0])

    return second_derivative


def hvp(fun: Fun, x: Any, v: Any) -> Any:
    """Return the Hessian of `fun` at x times v, in the structure of x, without the Hessian: forward over reverse.

    The cost is a small multiple of that of a gradient, whatever the size of x.

    Raises:
        TypeError: If `fun` does not return a Value.
        ValueError: If v does not have the structure of x.
        DomainError: If a derivative is undefined there, or not finite.

    Example:
        >>> hvp(lambda x: x[0] ** 2 * x[1], [3.0, 5.0], [1.0, 0.0])
        [10.0, 6.0]
    """
    call = Call(fun, (x,), {}, (0,))
    call.require_one_output("hvp")
    direction = _matching(v, call.structures[0], "v", "x")
    recorded = call.recorded or any(isinstance(entry, Value) for entry in direction)
    with recording():
        slopes = call.gradient(recorded=True)
        curvature = Linearization(_values(slopes), call.variables, recorded=recorded)
        pushed = curvature.push(list(zip(call.variables, direction, strict=True)), _values(slopes))
    moved = iter(pushed)
    return call.filled([next(moved) if isinstance(slope, Value) else 0.0 for slope in slopes], recorded=recorded)[0]


def vjp(fun: Fun, *primals: Any) -> tuple[Any, Fun]:
    """Return what `fun` returns at `primals`, and a function from a cotangent to Σ cotangent · ∂output/∂primal.

    The cotangent has the structure of the output; the result is a tuple with one entry for each primal, in its
    structure. The function may be called again and again: the linearization is kept.

    Raises:
        ValueError: When the function is called: if the cotangent does not have the structure of the output.
        DomainError: If a derivative is undefined there, or not finite.

    Example:
        >>> out, pull = vjp(lambda x, y: x * y, 2.0, 3.0)
        >>> out, pull(1.0)
        (6.0, (3.0, 2.0))
    """
    call = Call(fun, primals, {}, range(len(primals)))
    recorded = call.recorded or within_a_transformation()  # a cotangent may bring outer variables in
    with recording():
        derivative = Linearization(call.outputs, call.variables, recorded=recorded)

    def pull(cotangent: Any) -> tuple[Any, ...]:
        seeds = _matching(cotangent, call.out, "the cotangent", "the output")
        keep = call.recorded or any(isinstance(seed, Value) for seed in seeds)
        with recording():
            adjoints = derivative.pull(list(zip(call.outputs, seeds, strict=True)), call.variables)
        return tuple(call.filled(adjoints, recorded=keep))

    return call.primals_out(), pull


def jvp(fun: Fun, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """Return what `fun` returns at `primals`, and its derivative along `tangents`: forward mode.

    Args:
        fun: The function.
        primals: The list of its arguments.
        tangents: As many, each with the structure of its primal.

    Raises:
        TypeError: If `primals` or `tangents` is no list.
        ValueError: If there are not as many, or a tangent does not have the structure of its primal.
        DomainError: If a derivative is undefined there, or not finite.

    Example:
        >>> jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 10.0))
        (6.0, 23.0)
    """
    if not isinstance(primals, (list, tuple)) or not isinstance(tangents, (list, tuple)):
        raise TypeError(f"jvp needs lists or tuples of primals and tangents, got {primals!r} and {tangents!r}")
    if len(primals) != len(tangents):
        raise ValueError(f"jvp needs one tangent a primal, got {len(primals)} primals and {len(tangents)} tangents")
    call = Call(fun, primals, {}, range(len(primals)))
    direction = [
        entry
        for k, (tangent, structure) in enumerate(zip(tangents, call.structures, strict=True))
        for entry in _matching(tangent, structure, f"tangent {k}", f"primal {k}")
    ]
    recorded = call.recorded or any(isinstance(entry, Value) for entry in direction)
    with recording():
        derivative = Linearization(call.outputs, call.variables, recorded=recorded)
        moved = derivative.push(list(zip(call.variables, direction, strict=True)), call.outputs)
    return call.primals_out(), call.out.filled(finished(moved, recorded))


def _matrix(outputs: list[Any], variables: list[Value], *, recorded: bool, forward: bool = False) -> Any:
    """Return rows ∂output/∂variable: a float array, or lists of floats and Values if `recorded`.

    An output that is a number is constant.
    """
    moving = _values(outputs)
    derivative = Linearization(moving, variables, recorded=recorded)
    if recorded:
        return [
            finished(derivative.pull([(output, 1.0)], variables), recorded=True)
            if isinstance(output, Value)
            else [Literal(0.0)] * len(variables)
            for output in outputs
        ]
    places = [k for k, output in enumerate(outputs) if isinstance(output, Value)]
    matrix = np.zeros((len(outputs), len(variables)))
    if forward or len(variables) <= len(moving):
        matrix[places] = _rows(derivative.push(_unit_vectors(variables), moving), len(variables))
    else:
        matrix[places] = _rows(derivative.pull(_unit_vectors(moving), variables), len(moving)).T
    return matrix


def _values(entries: Sequence[Any]) -> list[Value]:
    return [entry for entry in entries if isinstance(entry, Value)]


def _unit_vectors(values: Sequence[Value]) -> list[tuple[Value, Any]]:
    return list(zip(values, np.eye(len(values)), strict=True))


def _rows(results: list[Any], width: int) -> Any:
    """Return the results as the rows of a matrix; a result that nothing arrived at is the number 0."""
    return np.array([np.broadcast_to(result, width) for result in results]).reshape(len(results), width)


def _in_blocks(matrix: Any, rows: Structure, columns: Structure) -> Any:
    """Return a matrix cut into the blocks of two structures, nested as the rows are and then as the columns are."""
    entries = np.empty((sum(rows.sizes), sum(columns.sizes)), dtype=object)
    for k, row in enumerate(matrix.tolist() if isinstance(matrix, np.ndarray) else matrix):
        entries[k, :] = row
    trees, top = [], 0
    for shape, height, is_array in zip(rows.shapes, rows.sizes, rows.is_array, strict=True):
        blocks, left = [], 0
        for across, width, column_is_array in zip(columns.shapes, columns.sizes, columns.is_array, strict=True):
            block = entries[top : top + height, left : left + width].ravel().tolist()
            blocks.append(array_of(block, shape + across) if is_array or column_is_array else block[0])
            left += width
        trees.append(columns.arranged(blocks))
        top += height
    return rows.arranged(trees)


def _places(argnums: int | Sequence[int]) -> tuple[int, ...]:
    return tuple(map(index, argnums if isinstance(argnums, Iterable) else (argnums,)))


def _within(places: tuple[int, ...], args: tuple[Any, ...]) -> tuple[int, ...]:
    for place in places:
        if not -len(args) <= place < len(args):
            raise TypeError(f"argnums names argument {place}, but the function was called with {len(args)} of them")
    found = tuple(place % len(args) for place in places)
    if not found or len({*found}) < len(found):
        raise ValueError(f"argnums must name arguments, each once, got {places} for {len(args)} of them")
    return found


def _matching(tree: Any, structure: Structure, what: str, like: str) -> list[Any]:
    entries, own = taken_apart(tree, what)
    if (own.names, own.shapes, own.is_array) != (structure.names, structure.shapes, structure.is_array):
        raise ValueError(f"{what} must have the structure of {like}, {kind_of(structure)}, got {kind_of(own)}")
    return entries

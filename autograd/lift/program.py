"""The program that a graph was lifted to: it runs on batches, and its parameters are arrays."""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from typing import Any

import numpy as np

from ..collector import collector_paused
from ..graph import assignments
from ..notebook import picture, shown_source
from ..op import DomainError
from ..value import Value, recording, watched_by
from .derivation import Derivation, derivation, derivation_in_layers, proved_source
from .derive.equations import Equations
from .matrices.lifted import Lifted
from .matrices.parameters import Parameters
from .named import NamedArrays
from .recognise.watch import Watch
from .record.recording import Recording, record
from .run.batch import Batch
from .run.blocks import by_blocks, has_blocks
from .run.by_engine import EngineRow
from .run.checked import checked_result
from .run.forward_code import WITH_GRADIENT, Kind
from .run.native import NativeProgram
from .run.paths import Path
from .run.recorder import Recorder
from .run.runner import runner
from .run.shards import Map, Shard, ShardedProgram
from .run.workspace import aligned
from .second_order import SecondOrder
from .write.c_text import c_source
from .write.directional import directional_text
from .write.notation import NOTATIONS, Notation, notation_named
from .write.page import Page, best_page
from .write.report import report
from .write.source import source
from .write.term_arrays import NoTextError
from .write.text import latex_of, mathml_of, text_of

__all__ = ["Program"]

Array = np.ndarray[Any, Any]
_SIZES = 8  # how many batch sizes a thread keeps buffers for, for each kind of run
_PIECES = 32  # how many sizes of pieces of a batch, likewise
_NO_INPUT = (None,)


class Program(SecondOrder):
    """The matrix form of a scalar graph, forward and reverse.

    Inputs are arrays with a row for each example, (N, length), or (length,) for a single one; what a compiled function
    takes as nested lists is an array with more axes, (N, …). The loss is the mean over
    the rows, or with `reduce="sum"` the sum of what the scalar function gives for each row; so what it adds for every
    example, such as a penalty on the weights, counts once in a mean and N times in a sum.

    More than a thousand rows are taken a block at a time, so that memory does not grow with them; an input may be a
    `numpy.memmap`, or any object with a `shape` of two dimensions whose slices are arrays, and is never copied whole.

    Several threads may run one program; buffers and gradients belong to the thread, the parameters to all.

    `compile` and `lift` make programs.

    Raises:
        ValueError: If `reduce` is neither "mean" nor "sum".
    """

    def __init__(
        self,
        reduce: str,
        fun: Callable[..., Any] | None = None,
        parameters: Any = None,
        recorded: Recording | None = None,
    ) -> None:
        if reduce not in ("mean", "sum"):
            raise ValueError(f'reduce must be "mean" or "sum", got {reduce!r}')
        self._mean = reduce == "mean"
        self._recorder = Recorder(fun, parameters)
        self._local = threading.local()  # of each thread: its gradient
        self._code = threading.local()  # and the code that writes it
        self._recorded = recorded  # for the derivation of equations
        self._derivation: tuple[Lifted, Derivation] | None = None
        self._in_layers: tuple[Lifted, Derivation | None] | None = None
        if recorded is not None:
            self._recorder.take(recorded)

    # --- results ---------------------------------------------------------------------------------

    def value_and_grad(self, /, **batch: Any) -> tuple[float, dict[str, Array]]:
        """Return the loss of a batch and its gradient by parameter name, as fresh arrays.

        Raises:
            TypeError: If an input is missing, unknown, or no array of real numbers.
            ValueError: If a shape is wrong or a number is not finite.
            DomainError: If the engine would raise one; it names the statement and the row.
            RecordingError: If a row takes a path through the function that is not recorded and cannot be.
        """
        loss = self.backward(**batch)
        return loss, {name: gradient.copy() for name, gradient in self.gradients.items()}

    def backward(self, /, **batch: Any) -> float:
        """Return the loss of a batch and leave its gradient in `gradients`.

        Raises as `value_and_grad` does; after a DomainError or RecordingError the gradient is 0, and not half of one.
        """
        if self._recorder.held.seen_at != assignments[0]:
            self._follow()
        try:
            function = self._code.backward[len(next(iter(batch.values()), _NO_INPUT))]
            return function(batch)  # type: ignore[no-any-return]  # a float
        except (AttributeError, LookupError, TypeError, ArithmeticError, ValueError):
            return float(self._run("backward", batch))

    def backward_with_outputs(self, /, **batch: Any) -> tuple[float, dict[str, Array]]:
        """Return the loss of a batch and the named outputs, each (N, k), and leave the gradient in `gradients`.

        The outputs are those that the gradient was computed from, so they cost no second pass. Raises as `backward`
        does.
        """
        if self._recorder.held.seen_at == assignments[0]:
            try:
                function = self._code.backward_with_outputs[len(next(iter(batch.values()), _NO_INPUT))]
                return function(batch)  # type: ignore[no-any-return]  # a float and a dict
            except (AttributeError, LookupError, TypeError, ArithmeticError, ValueError):
                pass
        return self._run("backward_with_outputs", batch)  # type: ignore[no-any-return]  # likewise

    def value(self, /, **batch: Any) -> float:
        """Return the loss of a batch. Raises as `value_and_grad` does."""
        return float(self._run("value", batch))

    def losses(self, /, **batch: Any) -> Array:
        """Return the loss of each row, (N,). Raises as `value_and_grad` does."""
        result: Array = self._run("losses", batch)
        return result

    def outputs(self, /, **batch: Any) -> dict[str, Array]:
        """Return the named outputs, each (N, k). Inputs that they don't depend on may be left out.

        Raises as `value_and_grad` does; also a RuntimeError if nothing is recorded yet, and a RecordingError if the
        outputs depend on a comparison with an input that is left out.
        """
        result: dict[str, Array] = self._run("outputs", batch)
        return result

    def sharded(self, shards: Iterable[Shard], *, map: Map = map) -> ShardedProgram:
        """Return this program on data in shards, which may be computed in processes or on other machines.

        Loss and gradient are those of all rows together, and their bits do not depend on who computes what: the sums of
        the shards are added up in the order of the shards.

        Args:
            shards: The data, cut: for each shard a dict of arrays (N, length) by input, or a function that loads one,
                which must be picklable where `map` needs that. A function that is called again for each step may keep
                what it has loaded, by `functools.cache`.
            map: What calls a function for each shard and gives the results in order: `map`, `Executor.map` of
                `concurrent.futures`, of mpi4py, or of Dask's `client.get_executor()`.

        Raises:
            ImportError: If threadpoolctl is missing (the extra "cluster").
            TypeError: If a shard is neither a mapping nor a function, or `map` is none.
            ValueError: If there is no shard.
            RuntimeError: If nothing is recorded yet: call the program with a few rows first.

        Example:
            >>> import pytest
            >>> _ = pytest.importorskip("threadpoolctl")
            >>> from autograd import Value
            >>> w = Value(2.0, "w")
            >>> program = Program("mean", lambda x: (w * x[0]) ** 2, {"w": w})
            >>> _ = program.value(x=[[1.0]])
            >>> program.sharded([{"x": [[1.0], [2.0]]}, {"x": [[4.0]]}]).value_and_grad()
            (28.0, {'w': array(28.)})
        """
        return ShardedProgram(self, shards, map)

    # --- parameters ------------------------------------------------------------------------------

    @property
    def reduce(self) -> str:
        """How the losses of a batch are put together: "mean" or "sum"."""
        return "mean" if self._mean else "sum"

    @property
    def derived(self) -> Lifted:
        """What was derived from the graph: blocks, statements, places.

        Raises:
            RuntimeError: If nothing is recorded yet; everything below that reads it raises likewise.
        """
        return self._recorder.first.derived

    @property
    def flat(self) -> Array:
        """All parameters as one vector, which may be changed in place.

        Its order is the program's own: rows of a layer's weights have their bias behind them, so it is not the arrays
        of `parameters` one after the other. `named` gives the views of any vector in this order by name.
        """
        self._places()
        self._follow()
        return self._recorder.held.flat

    @flat.setter
    def flat(self, numbers: Any) -> None:
        flat = self.flat
        if numbers is not flat:  # as it is after `program.flat -= step`
            flat[...] = numbers

    @property
    def flat_gradient(self) -> Array:
        """The gradient that this thread's latest `backward` left, in the order of `flat`."""
        gradient = getattr(self._local, "gradient", None)
        if gradient is None:
            gradient = self._local.gradient = aligned((self._places().flat.size,))
        return gradient

    @flat_gradient.setter
    def flat_gradient(self, numbers: Any) -> None:
        gradient = self.flat_gradient
        if numbers is not gradient:
            gradient[...] = numbers

    @property
    def parameters(self) -> NamedArrays:
        """The parameters by name, views of `flat`; assignment checks the shape and copies."""
        return NamedArrays(self._views(self.flat))

    @property
    def gradients(self) -> Mapping[str, Array]:
        """The gradients by name, views of `flat_gradient`."""
        found = getattr(self._local, "gradients", None)
        if found is None:
            found = self._local.gradients = self._views(self.flat_gradient)
        return found

    def _views(self, flat: Array) -> dict[str, Array]:
        return {each.name: each.view(flat) for each in self._places().all}

    def _places(self) -> Parameters:
        """Return the parameters' names and places; raise if nothing is recorded yet."""
        return self._recorder.held.places or self.derived.parameters

    def named(self, vector: Any) -> dict[str, Array]:
        """Return views of a vector that has the order of `flat`, by parameter name.

        So a mask, or the state of an optimiser, can be written by name: `program.named(mask)["W1"][...] = 1.0`.

        Raises:
            ValueError: If it does not have as many numbers as `flat`.
        """
        array = np.asarray(vector)
        if array.shape != self.flat.shape:
            raise ValueError(f"named needs a vector of {self.flat.size} numbers, as flat has, got shape {array.shape}")
        return self._views(array)

    def pull(self) -> None:
        """Copy the data of all Values that are the parameters into `flat`, and so undo what was changed there.

        What is assigned to a Value the program takes over by itself, at its next call.

        Raises:
            RuntimeError: If the program was unpickled, and so has no Values.
        """
        self._places()
        self._recorder.held.pull()

    def push(self) -> None:
        """Assign `flat` to the Values that are the parameters.

        Raises:
            ValueError: If a number is not finite; then no Value has changed.
            RuntimeError: If the program was unpickled, and so has no Values.
        """
        self._places()
        self._recorder.held.push()

    def _follow(self) -> None:
        """Take over what was assigned to Values that this program holds."""
        if self._recorder.held.seen_at != assignments[0] and self._recorder.follow():
            self._code = threading.local()

    # --- text ------------------------------------------------------------------------------------

    @property
    def source(self) -> str:
        """The text of a module with `value_and_grad(parameters, **inputs)`, which needs NumPy alone.

        All its arrays are float64, and it changes none of them. It raises a ValueError for rows where a comparison that
        the recording relied on comes out otherwise. An input whose name the text needs for itself, such as N, or that
        Python reserves has an underscore behind it; the order of the inputs is that of the recording.

        Raises:
            TypeError: If an operation of the user's own has no NumPy text, or one that does not define it.
        """
        derived = self.derived
        if not derived.guards and self._recorder.held.leaves is not None:
            with suppress(NoTextError, RuntimeError):  # the latter where no equations give the program's numbers
                return proved_source(self.derivation, derived, mean=self._mean)
        return source(derived, mean=self._mean)

    def c_source(self) -> str:
        """Return the text of a C99 module, which needs the mathematical library and nothing else.

        It has `value_and_grad` and `gradient_step`, whose comments say what they take and return. It holds the path
        that was recorded first: for rows that take another one the functions return 2, and 1 where something is
        undefined or overflows.

        Raises:
            TypeError: If an operation has no C text.
            RuntimeError: If nothing is recorded yet.
        """
        return c_source(self.derived, mean=self._mean)

    def native(self) -> NativeProgram:
        """Return this program as machine code, made by the C compiler of this machine, on the same parameters.

        The code is kept in the folder `deltagrad` of the user's cache (`XDG_CACHE_HOME`, or `~/.cache`).

        Raises:
            TypeError: If an operation has no C text.
            RuntimeError: If nothing is recorded yet, or there is no C compiler; the variable CC names another one.

        Example:
            >>> import autograd
            >>> w = autograd.Value(2.0, "w")
            >>> program = autograd.compile(lambda x: (w * x[0]) ** 2, parameters=[w])
            >>> program.value(x=[[1.0], [2.0]])
            10.0
            >>> native = program.native()  # doctest: +SKIP
            >>> native.value_and_grad(x=[[1.0], [2.0]])  # doctest: +SKIP
            (10.0, {'w': array(10.)})
        """
        return NativeProgram(self)

    def report(self) -> str:
        """Return in words what was recognised in the graph, and what was not and why."""
        return report(self.derived, self._recorder.notes)

    @property
    def derivation(self) -> Derivation:
        """The equations of the graph term by term, and their numbers: what `equations` and `latex` write.

        They are those of the path that was recorded first. A function that was compiled is recorded again for them,
        with the names of its local variables.

        Raises:
            RuntimeError: If nothing is recorded yet.
        """
        derived = self.derived
        known = self._derivation
        if known is None or (known[0] is not derived and self._recorder.held.leaves is not None):
            watch = Watch()
            with self._recorded_again(watch) as (recorded, leaves):
                known = self._derivation = derived, derivation(derived, recorded, leaves, watch)
        return known[1]

    @property
    def derivation_in_layers(self) -> Derivation | None:
        """The same with layers that are numbered as documents number them; None if it is no chain of layers.

        Raises:
            RuntimeError: If nothing is recorded yet.
        """
        derived = self.derived
        known = self._in_layers
        if known is None or known[0] is not derived:
            with self._recorded_again() as (recorded, leaves):
                known = self._in_layers = derived, derivation_in_layers(derived, recorded, leaves)
        return known[1]

    @contextmanager
    def _recorded_again(self, watch: Watch | None = None) -> Iterator[tuple[Recording, Sequence[Value]]]:
        """A context with the graph and its parameters: as it was lifted, recorded anew, or as its statements tell."""
        derived, recorder, recorded = self.derived, self._recorder, self._recorded
        with recorder.lock, recording(), watched_by(None), collector_paused():
            leaves = recorder.held.leaves
            if leaves is None or (recorded is None and recorder.fun is None):
                row = EngineRow(derived, derived.start, derived.row, derived.forward.roots[:1], Value)
                yield row.recording(derived), [row.leaves[place] for place in derived.parameters.position]
                return
            with recorder.held.in_leaves():
                if recorded is None and recorder.fun is not None:
                    with watch or nullcontext():
                        named = {name: values.reshape(derived.axes[name]) for name, values in derived.row.items()}
                        recorded = record(recorder.fun, named)
                if recorded is None:
                    raise RuntimeError("this program has no graph to derive equations from")
                yield recorded, leaves

    def equations(self, notation: str | None = None) -> str:
        """Return the equations of the forward and the backward pass, for one example, as Unicode text.

        They are in the names of the code: of its parameters, its inputs, and the local variables of the function that
        was compiled. An adjoint is simplified by exact algebra: the sigmoid and its cross-entropy give δ = a − y
        because the division leaves no remainder. Members of an input that summed to 1 in all rows at hand, as those of
        a one-hot target do, are taken to: then softmax and cross-entropy give p − t.

        Args:
            notation: None for the names of the code; for layers that have none, and where a notation is given, that of
                a document: "superscript" (z², W², δ²), "theta" (Θ⁽²⁾ with a bias column, z⁽³⁾, δ⁽³⁾, g), "epsilon"
                (W⁽²⁾, z⁽³⁾, ε⁽³⁾), "prime" (w², a′⁽²⁾ ⊙ …) or "parentheses" (w², ((w²)ᵀδ²) ⊙ …). What is no chain of
                layers keeps the names of the code, in the letters of the notation.

        Raises:
            TypeError: If the notation is no string.
            ValueError: If there is no notation of that name.
            RuntimeError: If nothing is recorded yet.
        """
        return text_of(self._page(notation))

    def latex(self, notation: str | None = None) -> str:
        """Return the same equations for LaTeX with amsmath: an `align*` for each pass, and sentences below.

        Takes and raises what `equations` does.
        """
        return latex_of(self._page(notation))

    def mathml(self, notation: str | None = None) -> str:
        """Return the same equations as HTML: a `<math>` for each, and sentences below.

        Takes and raises what `equations` does.
        """
        return mathml_of(self._page(notation))

    def hvp_equations(self, notation: str | None = None) -> str:
        """Return the equations of `hvp` as Unicode text: Pearlmutter's operator R applied to those of the program.

        Takes and raises what `equations` does.
        """
        return directional_text(*self._in_notation(notation))

    def _in_notation(self, notation: str | None) -> tuple[Equations, Notation | None]:
        """Return the equations that a notation writes; it is None where the names are those of the code."""
        chosen = None if notation is None else notation_named(notation)
        in_names = chosen is None and not self.derivation.is_plain_network
        in_layers = None if in_names else self.derivation_in_layers
        if chosen is None and in_layers is not None:
            chosen = NOTATIONS["superscript"]
        return (in_layers or self.derivation).found, chosen

    def _page(self, notation: str | None) -> Page:
        """Return the equations on paper."""
        found, chosen = self._in_notation(notation)
        if chosen is None:
            return self.derivation.page
        page = best_page(found, chosen)
        if self.derived.inputs:
            batch = "the mean, (1/N) times the sum," if self._mean else "the sum"
            page.closing = (
                "All this is for one example. The cost of a batch of N examples, and each derivative by a parameter, "
                f"is {batch} of those of its examples."
            )
        return page

    def __repr__(self) -> str:
        if not self._recorder.shapes:
            return "<Program, nothing recorded yet: call value_and_grad, backward, value or losses with a batch>"
        arrays = ", ".join(f"{each.name} {each.shape}" for each in self.derived.parameters.all)
        return f"<Program of {', '.join(self.derived.inputs) or 'no input'}; parameters {arrays or 'none'}>"

    def _repr_html_(self) -> str | None:
        """Return equations as MathML, source and report below, for a notebook; None if nothing is recorded."""
        return picture(self) if self._recorder.shapes else None

    def _repr_latex_(self) -> str | None:
        return self.latex() if self._recorder.shapes else None

    def _repr_markdown_(self) -> str | None:
        """Return equations as LaTeX, the source and the report below, for a notebook; None if nothing is recorded."""
        if not self._recorder.shapes:
            return None
        shown = re.sub(r"\\paragraph\{(\w+)\}", r"**\1**\n", self.latex())
        shown = re.sub(r"(\\begin\{align\*\}.*?\\end\{align\*\})", r"$$\1$$\n", shown, flags=re.DOTALL)
        parts = (("Source", f"```python\n{shown_source(self)}\n```"), ("Report", f"```text\n{self.report()}\n```"))
        return shown + "".join(f"\n\n<details><summary>{t}</summary>\n\n{body}\n\n</details>" for t, body in parts)

    # --- running ---------------------------------------------------------------------------------

    def _run(self, kind: Kind, given: Mapping[str, Any]) -> Any:
        if has_blocks(given):
            return by_blocks(partial(self._run, kind), self._gradient, kind, given, mean=self._mean)
        self._follow()
        paths, batch = self._recorder.paths(given, outputs_only=kind == "outputs")
        if len(paths.all) == 1 and not paths.first.derived.guards:
            return self._run_whole(paths.first, kind, batch)
        outputs_only = batch.named.keys() != paths.first.derived.inputs.keys()
        parts = self._recorder.split(paths, batch, outputs_only=outputs_only)
        if len(parts) == 1:
            return self._run_whole(parts[0][0], kind, batch)
        return self._run_parts(parts, kind, batch)

    def _run_whole(self, path: Path, kind: Kind, batch: Batch) -> Any:
        """Return what a run gives if all rows take one path."""
        function = self._function(kind, batch.examples, path)
        try:
            return function(batch.named)
        except (ArithmeticError, ValueError):
            return self._checked(path, kind, batch, self._gradient(kind))

    def _run_parts(self, parts: Sequence[tuple[Path, Array]], kind: Kind, batch: Batch) -> Any:
        """Return what a run gives if the rows take several paths; after an error the gradient is 0."""
        gradient = self._gradient(kind)
        gradient[...] = 0.0
        found = [self._run_part(path, kind, batch.part(rows)) for path, rows in parts]
        shares = [len(rows) / batch.examples if self._mean else 1.0 for _, rows in parts]
        total = _put_together(
            kind, [result for result, _ in found], shares, np.concatenate([rows for _, rows in parts])
        )
        if kind in ("losses", "outputs"):
            return total
        sums = sum(share * part for share, (_, part) in zip(shares, found, strict=True))
        if not (math.isfinite(total[0] if isinstance(total, tuple) else total) and np.isfinite(sums).all()):
            raise DomainError("the sum over the rows of the batch is not finite")
        gradient[...] = sums
        return total

    def _run_part(self, path: Path, kind: Kind, batch: Batch) -> tuple[Any, Array]:
        """Return what a run gives for the rows that take a path, and the gradient that it leaves.

        They run in pieces of 1, 2, 4, 8, … rows, for which there is code after a few batches whatever their numbers.
        """
        gradient = np.zeros(0)
        if kind in WITH_GRADIENT:
            gradient = self._local.__dict__.setdefault("part", aligned(self.flat_gradient.shape))
        found, shares, sums = [], [], np.zeros(gradient.shape)
        start = 0
        for size in _pieces(batch.examples):
            piece = {name: rows[start : start + size] for name, rows in batch.named.items()}
            start += size
            try:
                found.append(self._function(kind, size, path, gradient)(piece))
            except (ArithmeticError, ValueError):
                return self._checked(path, kind, batch, sums), sums
            shares.append(size / batch.examples if self._mean else 1.0)
            sums += shares[-1] * gradient
        return _put_together(kind, found, shares, np.arange(batch.examples)), sums

    def _checked(self, path: Path, kind: Kind, batch: Batch, gradient: Array) -> Any:
        """Return what a run gives, looking at every step, or raise the error that says what is wrong."""
        try:
            return checked_result(path.unguarded, self.flat, gradient, batch, kind, mean=self._mean)
        except DomainError:
            self._recorder.require_raised(path, batch)
            raise

    def _gradient(self, kind: Kind) -> Array:
        return self.flat_gradient if kind in WITH_GRADIENT else np.zeros(0)

    def _function(self, kind: Kind, examples: int, path: Path, part: Array | None = None) -> Callable[..., Any]:
        """Return the code for a number of rows that take a path; `part` receives the gradient of a part of a batch."""
        ours: dict[Any, Callable[..., Any]] = self._code.__dict__.setdefault("functions", {})
        key = (kind, path, part is None, examples)
        found = ours.get(key)
        if found is None:
            gradient = self._gradient(kind) if part is None else part
            derived = path.derived if part is None and kind in WITH_GRADIENT else path.unguarded
            found, _ = runner(derived, self.flat, gradient, examples, kind, mean=self._mean)
            alike = [other for other in ours if other[:3] == key[:3]]
            if len(alike) >= (_SIZES if part is None else _PIECES):
                del ours[alike[0]]
            ours[key] = found
        if part is None and kind in WITH_GRADIENT:  # the next call tries it at once
            at_once = self._code.__dict__.setdefault(kind, {})
            if len(at_once) >= _SIZES:
                at_once.clear()
            at_once[examples] = found
        return found

    def __reduce__(self) -> tuple[Callable[..., Program], tuple[Any, ...]]:
        recorder = self._recorder
        return _restored, (self._mean, recorder.shapes, recorder.notes, self.flat, self._derivation)


def _restored(
    mean: bool, shapes: dict[Any, Any], notes: list[Any], flat: Array, derivation: tuple[Lifted, Derivation] | None
) -> Program:
    """Return a program from what is pickled of one: all but its function, the leaves it holds and its code."""
    program = Program("mean" if mean else "sum")
    recorder = program._recorder
    recorder.shapes, recorder.notes = shapes, notes
    program._derivation = derivation
    recorder.held.flat, recorder.held.places = flat, program.derived.parameters
    return program


def _pieces(count: int) -> list[int]:
    """Return the powers of two that add up to a number, the largest first."""
    return [1 << k for k in reversed(range(count.bit_length())) if count >> k & 1]


def _put_together(kind: Kind, found: Sequence[Any], shares: Sequence[float], rows: Array) -> Any:
    """Return what parts of a batch give together, from what each gives, its share and the numbers of its rows."""
    if kind in ("losses", "outputs"):
        return _in_order(found, rows)
    losses = [each[0] if isinstance(each, tuple) else each for each in found]
    total = math.fsum(share * loss for share, loss in zip(shares, losses, strict=True))
    return (total, _in_order([each[1] for each in found], rows)) if kind == "backward_with_outputs" else total


def _in_order(found: Sequence[Any], rows: Array) -> Any:
    """Return results for each row put together, in the order of the rows."""
    if isinstance(found[0], dict):
        return {name: _in_order([each[name] for each in found], rows) for name in found[0]}
    joined = np.concatenate(found)
    ordered = np.empty_like(joined)
    ordered[rows] = joined
    return ordered

"""The equations of a program as text and as LaTeX, in the documents' notation.

Both are for one example; what a batch does is said once. See `derivation` for where the equations come from and
`notation` for the ways to write them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ...op import Op
from ..matrices.block import Block
from ..matrices.expression import Expression, Ref
from ..matrices.lifted import Lifted
from ..write.notation import Notation, notation_named
from .bias_column import layers_with_bias, outer_product, weighted
from .derivation import derivation
from .equation import Derivation, Equation
from .formula import Call, Name
from .normal_form import numeral
from .style import Latex, Style, Unicode
from .translation import Translator
from .typesetting import Typesetter

__all__ = ["equations", "latex"]


def equations(derived: Lifted, notation: str = "superscript", *, mean: bool = True) -> str:
    """Return the forward and the backward equations as Unicode text.

    Args:
        derived: What was derived from a graph.
        notation: A name of `autograd.lift.write.notation.NOTATIONS`.
        mean: Whether the loss of a batch is the mean over its examples; otherwise it is the sum.

    Raises:
        TypeError: If the notation is no string.
        ValueError: If there is no notation of that name.
    """
    page = _Page(derivation(derived), notation_named(notation), Unicode(), mean=mean)
    lines: list[str] = []
    for title, pairs in page.sections():
        lines += [title, *(f"  {left} {sign} {right}" for left, sign, right in pairs), ""]
    lines += page.explanations()
    return "\n".join(lines).rstrip() + "\n"


def latex(derived: Lifted, notation: str = "superscript", *, mean: bool = True) -> str:
    """Return what `equations` returns for the same arguments, as LaTeX: `align*` displays of amsmath, and sentences.

    It raises what `equations` raises.
    """
    page = _Page(derivation(derived), notation_named(notation), Latex(), mean=mean)
    blocks = []
    for title, pairs in page.sections():
        rows = " \\\\\n".join(f"{left} &{sign} {right}" for left, sign, right in pairs)
        blocks.append(f"\\paragraph{{{title}}}\n\\begin{{align*}}\n{rows}\n\\end{{align*}}\n")
    return "".join(blocks) + "\n".join(page.explanations()) + "\n"


_IN_LATEX = {ord(sign): f"${text}$" for sign, text in {"×": r"\times", "−": "-", "·": r"\cdot", "…": r"\ldots"}.items()}


class _Page:
    """The equations of one derivation in one notation and style."""

    def __init__(self, found: Derivation, notation: Notation, style: Style, *, mean: bool) -> None:
        self.found = found
        self.style = style
        self.mean = mean
        self.folded = layers_with_bias(found) if notation.bias_column else {}
        weighted = any(isinstance(each.left, Name) and each.left.block.role == "z" for each in found.forward)
        self.separate = notation.bias_column and weighted and not self.folded
        self.typesetter = Typesetter(
            notation if self.folded or not notation.bias_column else replace(notation, bias_column=False),
            style,
            found.activations,
            found.translator,
            found.network_input,
            found.targets[0] if len(found.targets) == 1 else None,
            bias_column=bool(self.folded),
        )

    def math(self, text: str) -> str:
        """Return a formula as it stands within a sentence."""
        return f"${text}$" if self._is_latex else text

    def sections(self) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
        """Yield the titles, and the equations of each: left side, sign, right side."""
        forward = [self._forward(each) for each in self.found.forward]
        first = self._network_input()
        yield "Forward", ([first] if first else []) + forward
        backward = [self._line(each) for each in self.found.backward]
        if backward:
            yield "Backward", backward
        gradients = [line for each in self.found.gradients if (line := self._gradient(each))]
        if gradients:
            yield "Gradients", gradients

    def _network_input(self) -> tuple[str, str, str] | None:
        block = self.found.network_input
        if block is None:
            return None
        name = self.style.symbol(block.name)
        return self.typesetter.block(block), "=", f"(1, {name})" if self.folded else name

    def _line(self, equation: Equation) -> tuple[str, str, str]:
        if equation.add:
            self.typesetter.seen["+="] = None
        return self.typesetter.text(equation.left), "+=" if equation.add else "=", self.typesetter.text(equation.right)

    def _forward(self, equation: Equation) -> tuple[str, str, str]:
        left, sign, right = self._line(equation)
        block = equation.left.block if isinstance(equation.left, Name) else None
        if block is not None and block.role == "a":
            if isinstance(equation.right, Call) and block.layer in self.typesetter.functions:
                argument = self.typesetter.text(equation.right.args[0])
                right = self.typesetter.functions[block.layer] + self.style.parentheses(argument)
            if block.layer + 1 in self.folded:
                right = f"(1, {right})"
        if block is not None and block.role == "z" and block.layer in self.folded:
            parts = weighted(equation.right)
            if parts is not None:
                weight = self.typesetter.parameter(parts[0].block.name, folded=True)
                right = weight + (" " if self._is_latex else "") + self.typesetter.text(parts[1])
        return left, sign, right

    @property
    def _is_latex(self) -> bool:
        return isinstance(self.style, Latex)

    def _gradient(self, equation: Equation) -> tuple[str, str, str] | None:
        of = equation.left.block.of if isinstance(equation.left, Name) else None
        if of in [bias for _, bias in self.folded.values()]:
            return None
        if of not in [weight for weight, _ in self.folded.values()] or of is None:
            return self._line(equation)
        products, rest = outer_product(equation.right)
        name = self.typesetter.parameter(of.name, folded=True)
        text = self.typesetter.text(products)
        if rest is not None:
            self.typesetter.seen["(0,"] = None
            text += f" + (0, {self.typesetter.text(rest)})"
        return self.style.derivative(self.style.symbol(self.typesetter.notation.cost), name), "=", text

    # --- explanations ----------------------------------------------------------------------------

    def explanations(self) -> list[str]:
        """Return sentences on the signs that occurred, on assumptions, and on batches."""
        lines = [*self._functions(), *self._signs(), *self._assumptions(), *self._indices()]
        if self._is_latex:
            lines = [line.translate(_IN_LATEX) for line in lines]
        if self.found.batched:
            batch = "the mean, (1/N) times the sum," if self.mean else "the sum"
            lines.append(
                "All this is for one example. The cost of a batch of N examples, and each derivative by a parameter, "
                f"is {batch} of those of its examples."
            )
        return lines

    def _functions(self) -> Iterator[str]:
        layers: dict[str, list[str]] = {}
        ops = {op.name: op for op in self.found.activations.values()}
        first = {op.name: layer for layer, op in reversed(list(self.found.activations.items()))}
        for layer, op in self.found.activations.items():
            own = self.typesetter.functions[layer]
            if own not in layers.setdefault(op.name, []):
                layers[op.name].append(own)
        for name, signs in layers.items():
            what = _escaped(name, self._is_latex)
            yield f"{self.math(' = '.join(signs))} is {what}{self._rule(ops[name], first[name])}."

    def _rule(self, op: Op, layer: int) -> str:
        """Return the derivative of an activation as its own rule says it."""
        z, a = Block("z", (), False), Block("a", (), False)
        typesetter = Typesetter(self.typesetter.notation, self.style, {}, self.found.translator, None, None)
        try:
            rule = op.local(0, Ref(a), (Ref(z),))
        except (ArithmeticError, ValueError, TypeError, AttributeError):
            return ""
        translator = Translator(self.found.translator.parameters)
        translator.kinds.update({z: 0, a: 0})
        formula = translator.translated(rule) if isinstance(rule, Expression) else numeral(rule)
        names = {z: "z", a: self.typesetter.functions[layer] + self.style.parentheses("z")}
        typesetter.block = lambda block: names.get(block, block.name)  # type: ignore[method-assign]  # two names of its own
        argument = self.style.parentheses("z")
        below = self.typesetter.layer(layer) if len(set(self.typesetter.functions.values())) > 1 else ""
        prime = self.style.symbol(self.typesetter.notation.function, below=below, mark="prime") + argument
        self.typesetter.seen.update(dict.fromkeys(name for name in typesetter.seen if name == "[]"))
        return f", {self.math(f'{prime} = {typesetter.text(formula)}')}"

    def _signs(self) -> Iterator[str]:
        math, seen, style = self.math, self.typesetter.seen, self.style
        delta = style.symbol(self.typesetter.notation.delta, self.typesetter.above("l"))
        z = style.symbol("z", self.typesetter.above("l"))
        if any(isinstance(e.left, Name) and _of_role(e.left, "z") for e in self.found.backward):
            cost = style.symbol(self.typesetter.notation.cost)
            yield f"{math(f'{delta} = {style.derivative(cost, z)}')}, and {math(style.hadamard.strip())} is entrywise."
        if self.typesetter.notation.prime and self.found.activations:
            prime = style.symbol("a", "(l)", mark="prime")
            yield f"{math(prime)} is the derivative of the activation of layer l at {math(z)}."
        target = self.typesetter.target
        if target is not None and self.typesetter.block(target) != style.symbol(target.name):
            yield f"{math(self.typesetter.block(target))} is the input {_escaped(target.name, self._is_latex)}."
        if self.folded:
            weight = style.symbol(self.typesetter.notation.weight, self.typesetter.above("l"))
            yield f"The first column of {math(weight)} holds the biases; (1, a) is a with a 1 on top of it."
        if "bar" in seen:
            bar = style.symbol(self.typesetter.notation.weight, self.typesetter.above("l"), mark="bar")
            yield f"{math(bar)} is {math(weight)} without its first column."
        if "(0," in seen:
            yield "(0, M) is M with a column of zeros in front."
        if self.separate:
            yield "The biases are written apart: not every layer is W a + b with an a that only the next layer reads."
        sentences = {
            "lse": f"{math(style.function('lse') + '(z)')} is the logarithm of the sum of exp(z)'s members.",
            "lse_rows": f"{math(style.function('lse_rows'))} is lse of each row.",
            "softmax": f"{math(style.function('softmax') + '(z)')} is exp(z) divided by the sum of its members.",
            "softmax_rows": f"{math(style.function('softmax_rows'))} is softmax of each row.",
            "1": f"{math(style.ones)} is a vector of ones.",
            "[]": "[…] is 1 where the condition holds and 0 elsewhere.",
            "[:]": "Slices [from:to] count from 0 and leave out the last, as in Python.",
            "shaped": "A layout m×n behind a name: the vector as a matrix, filled row by row.",
            "stack": "[A; B] is A on top of B.",
            "+=": "+= adds to what is there, which is 0 at first.",
        }
        for sign, sentence in sentences.items():
            if sign in seen:
                yield sentence
        if self.found.zero_logs:
            yield "0 · log 0 counts as 0."

    def _assumptions(self) -> Iterator[str]:
        for name in self.found.sums_to_one:
            text = self.typesetter.text(name)
            rows = self.found.recorded
            examples = "example" if rows == 1 else f"{rows} examples"
            yield (
                f"Assumed, checked on the recorded {examples} and on no later one: the members of {self.math(text)} "
                "sum to 1. What runs does not assume it. Without it:"
            )
            for each in [*self.found.backward, *self.found.gradients]:
                if each.general is not None:
                    yield "  " + self.math(f"{self.typesetter.text(each.left)} = {self.typesetter.text(each.general)}")

    def _indices(self) -> Iterator[str]:
        translator, numbers, lists = self.found.translator, self.typesetter.numbers, self.typesetter.lists
        for number, k in numbers.items():
            values = _listed(translator.numbers[number - 1], 12)
            yield f"{self.math(self.style.symbol('c', below=str(k)))} = {values}, numbers of the graph."
        for number, k in lists.items():
            index = _listed(translator.lists[number - 1], 200)
            name = self.math(self.style.symbol("i", below=str(k)))
            yield f"{name} = {index}: members counted from 0 along the rows, −1 for a zero."


def _listed(values: np.ndarray, most: int) -> str:
    """Return the first members of an array, rounded to six digits, and its shape."""
    texts = [f"{value:g}" for value in values.ravel()[:most].tolist()]
    shape = "" if values.ndim == 1 and values.size <= most else f" of shape {values.shape}"
    texts = [text.replace("-", "−") for text in texts]
    return "[" + ", ".join([*texts, *(["…"] if values.size > most else [])]) + "]" + shape


def _escaped(name: str, is_latex: bool) -> str:
    return name.replace("_", r"\_") if is_latex else name


def _of_role(name: Name, role: str) -> bool:
    return name.block.of is not None and name.block.of.role == role

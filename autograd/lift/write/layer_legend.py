"""The sentences below a page: in the names of the code, or on layers that are numbered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...op import Op
from ..derive.layers import Layers
from .lines import Line
from .page import Legend, Page
from .style import Latex, Style, Unicode
from .tree import Apply, Node, Symbol

__all__ = ["legend"]

_IN_LATEX = {ord(c): f"${t}$" for c, t in {"×": r"\times", "−": "-", "·": r"\cdot", "…": r"\ldots"}.items()}


def legend(page: Page, style: Style | None = None) -> list[str | Line]:
    """Return sentences on the signs that occurred, and equations that belong to the sentence before them."""
    style = style or Unicode()
    layers = page.typesetter.layers
    made = Legend(page, style) if layers is None else _Layers(page, style, layers)
    sentences = [*made.sentences(), *([page.closing] if page.closing else [])]
    if not isinstance(style, Latex):
        return sentences
    return [each.translate(_IN_LATEX) if isinstance(each, str) else each for each in sentences]


_SENTENCES = {
    "lse": "the logarithm of the sum of exp(z)'s members",
    "softmax": "exp(z) divided by the sum of its members",
}


class _Layers(Legend):
    """Sentences on layers that are numbered."""

    def __init__(self, page: Page, style: Style, layers: Layers) -> None:
        super().__init__(page, style)
        self.typesetter, self.layers = page.typesetter, layers

    def sentences(self) -> Iterator[str | Line]:
        """Yield the sentences."""
        yield from self._functions()
        yield from self._names()
        yield from self._biases()
        yield from self._signs()
        yield from self.others()
        yield from self.assumptions()

    def formula(self, *nodes: Node) -> str:
        """Return an equation within a sentence, or a name."""
        text = " = ".join(map(self.style.text, nodes))
        return self.math(text, text)

    def letter(self, stem: str, mark: str = "") -> Symbol:
        """Return a letter with an l for the number of a layer above it."""
        return Symbol(stem, self.naming.above("l"), mark=mark)

    def _functions(self) -> Iterator[str]:
        """Yield what each function of a layer is, and its derivative."""
        layers, typesetter = self.layers, self.typesetter
        signs: dict[Op, list[Symbol]] = {}
        for z, number in layers.weighted.items():
            op = layers.functions.get(number)
            if op is not None:
                name, below = typesetter.function(op, z.whole())
                own = signs.setdefault(op, [])
                own += [sign for sign in (Symbol(name, below=(below,) if below else ()),) if sign not in own]
        for op, own in signs.items():
            what = op.name.replace("_", r"\_") if isinstance(self.style, Latex) else op.name
            yield f"{self.formula(*own)} is {what}{self._rule(op, own[0])}."

    def _rule(self, op: Op, sign: Symbol) -> str:
        rule = self.typesetter.rule(op)
        if rule is None:
            return ""
        slope = Apply(sign.stem, (Symbol("z"),), prime=True, layer="".join(sign.below))
        return f", {self.formula(slope, rule)}"

    def _names(self) -> Iterator[str]:
        """Yield what δ is, and what has another name than in the code."""
        naming, layers = self.naming, self.layers
        notation = naming.notation
        backward = [line for line in self.page.sections[1].lines if isinstance(line, Line)]
        z, sign = self.letter("z"), notation.adjoint if notation else "δ"
        delta = replace(z, delta=sign) if notation and notation.differential else self.letter(sign)
        cost, by = naming.loss, self.style.text(z)
        if any(line.family.source in layers.weighted for line in backward):
            own = self.style.text(delta)
            quotient = self.math(f"{own} = ∂{cost}/∂{by}", rf"{own} = \frac{{\partial {cost}}}{{\partial {by}}}")
            entrywise = self.math("⊙", r"\odot")
            yield f"{quotient}, and {entrywise} is entrywise."
        if any(line.family.source not in layers.weighted for line in backward):
            yield f"{self.symbol('v', delta=sign)} is {self.quotient('v')} for any other v."
        if notation is not None and notation.prime and layers.functions:
            prime = Symbol("a", "(l)", mark="prime")
            yield f"{self.formula(prime)} is the derivative of the activation of layer l at {self.formula(z)}."
        target = layers.target
        if target is not None and naming.names.get(target, target.name) != target.name:
            name = target.name.replace("_", r"\_") if isinstance(self.style, Latex) else target.name
            yield f"{self.formula(Symbol(naming.names[target]))} is the input {name}."

    def _biases(self) -> Iterator[str]:
        notation = self.naming.notation
        if notation is None or not notation.bias_column:
            return
        if not self.naming.folded:
            yield "The biases are written apart: not every layer is W a + b with an a that only the next layer reads."
            return
        weight = self.formula(self.letter(notation.weight))
        yield f"The first column of {weight} holds the biases; (1, a) is a with a 1 on top of it."
        if "\u0304" in self.text:
            bar = self.formula(self.letter(notation.weight, "bar"))
            yield f"{bar} is {weight} without its first column."
        if "(0," in self.seen:
            yield "(0, M) is M with a column of zeros in front."

    def _signs(self) -> Iterator[str]:
        for name, sentence in _SENTENCES.items():
            if name in self.seen:
                yield f"{self.formula(Apply(name, (Symbol('z'),)))} is {sentence}."
        if "[]" in self.seen:
            yield "[…] is 1 where the condition holds and 0 elsewhere."

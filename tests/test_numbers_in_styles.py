"""A number in a text, in LaTeX and in MathML is that number when it is read."""

import math
import re
import xml.etree.ElementTree as ElementTree
from fractions import Fraction

import pytest

from autograd.lift.write.style import Latex, MathML, Unicode

NUMBERS = [
    *(Fraction(n) for n in (0, 1, 2, 10, 999_999, 10**6, 25 * 10**7)),
    *(Fraction(p, q) for p, q in ((1, 2), (3, 4), (1, 3), (2, 3), (1, 7), (2, 7), (1, 8), (1, 10), (3, 1000), (5, 6))),
    *(Fraction(x) for x in (0.1, 0.25, 1.5, 123.456789, 1e-7, 2.5e-10, 1e30, 0.044715, math.pi)),
    *(Fraction(x) for x in (math.sqrt(2), math.sqrt(1024.0 - 1), 1 / math.sqrt(3), 3**-0.5, math.sqrt(2 / math.pi))),
]
SIX_DIGITS = [Fraction(10) ** 400 * 3 / 2, Fraction(1, 10**350)]  # beyond floats
SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
VULGAR = {"½": "(1/2)", "⅓": "(1/3)", "⅔": "(2/3)", "¼": "(1/4)", "¾": "(3/4)", "⅛": "(1/8)"}


def of_text(text):
    for sign, quotient in VULGAR.items():
        text = text.replace(sign, quotient)
    text = re.sub("10([⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+)", lambda power: f"Fraction(10)**{power[1].translate(SUPERSCRIPTS)}", text)
    text = re.sub(r"√(\d+|\(2/π\))", r"math.sqrt(\1)", text).replace("π", "math.pi").replace("·", "*")
    return eval(re.sub(r"(?<![\d.])(\d+\.\d+)(?=\*)", r'Fraction("\1")', text), {"math": math, "Fraction": Fraction})


def of_latex(text):
    text = text.replace(r"\sqrt{2/\pi}", "√(2/π)")
    text = re.sub(r"\\sqrt{(\d+)}", r"√\1", text)
    text = re.sub(r"\\frac{([^{}]+)}{([^{}]+)}", r"(\1/\2)", text).replace(r" \cdot ", "·")
    return of_text(re.sub(r"10\^{(-?\d+)}", lambda power: "10" + _raised(power[1]), text))


def of_mathml(text):
    def plain(node):
        parts = [plain(each) for each in node]
        match node.tag:
            case "mfrac":
                return f"({'/'.join(parts)})"
            case "msqrt":
                return f"√({parts[0]})" if "/" in parts[0] else f"√{parts[0]}"
            case "msup":
                return parts[0] + _raised(parts[1])
        return (node.text or "") + "".join(parts)

    return of_text(plain(ElementTree.fromstring(text)))


def _raised(power):
    return power.translate(str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"))


READERS = {Unicode: of_text, Latex: of_latex, MathML: of_mathml}


@pytest.mark.parametrize("number", NUMBERS, ids=float)
@pytest.mark.parametrize("style", READERS)
def test_a_number_is_read_as_what_it_is(style, number):
    assert float(READERS[style](style().number(number))) == pytest.approx(float(number), rel=1e-15)


@pytest.mark.parametrize("number", SIX_DIGITS, ids=["large", "small"])
@pytest.mark.parametrize("style", READERS)
def test_a_number_beyond_floats_is_read_to_six_digits(style, number):
    assert abs(READERS[style](style().number(number)) / number - 1) < 1e-5


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (Fraction(1, 2), "½"),
        (Fraction(2, 7), "(2/7)"),
        (Fraction(1, 10), "0.1"),
        (Fraction(1, 8), "0.125"),
        (Fraction(999_999), "999999"),
        (Fraction(10**6), "10⁶"),
        (Fraction(25 * 10**5), "2.5·10⁶"),
        (Fraction(1e-7), "10⁻⁷"),
        (Fraction(math.sqrt(2)), "√2"),
        (Fraction(3**-0.5), "(1/√3)"),
        (Fraction(math.sqrt(2 / math.pi)), "√(2/π)"),
        (Fraction(math.pi), "3.141592653589793"),
    ],
)
def test_numbers_are_short(number, text):
    assert Unicode().number(number) == text

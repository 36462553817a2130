"""What an SVG picture of ours shows, read back: texts and rectangles as areas, lines as points."""

import re
import xml.etree.ElementTree as ET
from typing import NamedTuple

import numpy as np

from viz.style import width

SVG = "{http://www.w3.org/2000/svg}"


class Area(NamedTuple):
    """A rectangle, and what it is: the text, or the key of the box."""

    left: float
    top: float
    right: float
    bottom: float
    what: str


def meet(a, b, slack=0.05):
    """Whether two areas have more in common than a rounding."""
    return (
        a.left < b.right - slack and b.left < a.right - slack and a.top < b.bottom - slack and b.top < a.bottom - slack
    )


def inside(a, b, slack=0.05):
    """Whether one area lies in another."""
    left, top, right, bottom = (x - y for x, y in zip(a[:4], b[:4], strict=True))
    return min(left, top) >= -slack and max(right, bottom) <= slack


def ground(root):
    """The whole picture."""
    left, top, wide, high = map(float, root.get("viewBox").split())
    return Area(left, top, left + wide, top + high, "")


def texts(root):
    """Each text with the room that the widest letters of its face take, from capitals' height to a little below."""
    for element in root.iter(f"{SVG}text"):
        content = "".join(element.itertext())
        kind = element.get("class").split()
        size = 10.0 if "small" in kind else 12.0
        wide = width(content, size)
        x, y = float(element.get("x")), float(element.get("y"))
        x -= wide if "end" in kind else wide / 2 if "middle" in kind else 0.0
        yield Area(x, y - 0.75 * size, x + wide, y + 0.15 * size, content)


def written(root, tone):
    """The texts of a tone, in the order of the picture."""
    elements = (e for text in root.iter(f"{SVG}text") for e in ([*text] or [text]))
    return [e.text for e in elements if e.get("class", "").split()[:1] == [tone]]


def rectangles(root, kind):
    """Each rectangle of a kind; of a box, with the id of its group."""
    parents = {child: parent for parent in root.iter() for child in parent}
    for element in root.iter(f"{SVG}rect"):
        if kind in element.get("class", "").split():
            x, y, w, h = (float(element.get(name)) for name in ("x", "y", "width", "height"))
            yield Area(x, y, x + w, y + h, parents[element].get("id", ""))


def strokes(path, steps=24):
    """The points of a path of M, H, V, L and C, a list for each of its strokes."""
    drawn, x, y = [], 0.0, 0.0
    for letter, text in re.findall(r"([MHVLC])([^MHVLCZ]*)", path):
        numbers = [float(n) for n in re.findall(r"-?[\d.]+", text)]
        if letter == "M":
            x, y = numbers
            drawn.append([(x, y)])
            continue
        if letter == "C":
            points = [(x, y), tuple(numbers[:2]), tuple(numbers[2:4]), tuple(numbers[4:])]
        else:
            end = {"H": (numbers[0], y), "V": (x, numbers[0]), "L": tuple(numbers[:2])}[letter]
            points = [(x, y), (x, y), end, end]
        t = np.linspace(0.0, 1.0, steps)[1:]
        weights = np.stack([(1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t**2, t**3], axis=1)
        drawn[-1] += map(tuple, (weights @ points).tolist())
        x, y = points[-1]
    return drawn


def lines(root):
    """Each line with the id of its group, its points and its width."""
    for group in root.iter(f"{SVG}g"):
        for path in group.findall(f"{SVG}path"):
            if "line" in path.get("class", "").split():
                points = [point for stroke in strokes(path.get("d")) for point in stroke]
                yield group.get("id"), points, float(path.get("stroke-width", 1.0))


def parsed(figure):
    """A picture as a tree."""
    return ET.fromstring(figure.pipe("svg", encoding="utf-8"))

"""What was found by reading: where something is wrong, what stands there, what belongs there."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ..mistakes import raised

__all__ = ["Alternative", "Correction", "Reading", "array_name", "listed"]


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another change that makes the same arrays right.

    Attributes:
        line: The line.
        expression: What stands there.
        replacement: What would be put there.
    """

    line: int
    expression: str
    replacement: str


@dataclass(frozen=True, slots=True)
class Correction:
    """One mistake in the code.

    Attributes:
        file: The file.
        line: The line, counted from 1.
        column: Where the expression begins in its line, counted from 0 in characters.
        end_line: The line in which it ends.
        end_column: Where it ends, the first character after it.
        function: The function that it stands in.
        source: The line as it stands.
        expression: What is wrong in it.
        stands: What that is, in the notation of the documents, or "" if it has no name.
        belongs: What belongs there, likewise.
        sentences: What is to be said about it.
        equation: The equation of what belongs there, or "".
        replacement: What is to be written in place of the expression; "" if no words of the source were found for it.
        corrected: The line with it, or "".
        mends: The arrays that it makes right, each "δ", "W" or "b" and its layer; or "a", of a forward pass that is
            wrong while something below is wrong, too.
        proved_on: The networks on which the function, with all corrections up to this one, was run and found right in
            these arrays. Empty if it holds on the numbers at hand only.
        pasted: Whether it was the corrected text itself that ran.
        alternatives: Changes of other lines that do the same, proved on the same networks.
        together: Whether it makes them right only together with the correction before.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    function: str
    source: str
    expression: str
    stands: str
    belongs: str
    sentences: tuple[str, ...]
    equation: str
    replacement: str
    corrected: str
    mends: tuple[tuple[str, int], ...]
    proved_on: tuple[str, ...]
    pasted: bool = False
    alternatives: tuple[Alternative, ...] = ()
    together: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return it as numbers, text and lists."""
        found = asdict(self)
        found["mends"] = [{"array": array, "layer": layer} for array, layer in self.mends]
        return found


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading the code gave.

    Attributes:
        corrections: The mistakes found, in the order in which they were found.
        left: The arrays that stay wrong with all of them mended.
        note: Why the code was not read, or not to its end; "" otherwise.
        seconds: The processor time that it took.
        fault: What went wrong in the reader itself, in one line; "" if nothing did.
    """

    corrections: tuple[Correction, ...] = ()
    left: tuple[tuple[str, int], ...] = ()
    note: str = ""
    seconds: float = 0.0
    fault: str = ""

    @property
    def explains_all(self) -> bool:
        """Whether all arrays are right with the corrections."""
        return bool(self.corrections) and not self.left

    def to_dict(self) -> dict[str, Any]:
        """Return it as numbers, text and lists."""
        return {
            "corrections": [correction.to_dict() for correction in self.corrections],
            "left": [{"array": array, "layer": layer} for array, layer in self.left],
            "note": self.note,
            "fault": self.fault,
        }


def array_name(array: str, layer: int) -> str:
    """Return what an array is called: "δ¹", "a¹", "∂C/∂W¹", "∂C/∂b¹"; "∂C/∂gamma" without a layer."""
    return (array if array in ("δ", "a") else f"∂C/∂{array}") + (raised(layer) if layer else "")


def listed(keys: tuple[tuple[str, int], ...]) -> str:
    """Return arrays as a list in words, the output layer first."""
    names = [array_name(*key) for key in sorted(keys, key=lambda key: (-key[1], "aδWb".find(key[0])))]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

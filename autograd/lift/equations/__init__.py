"""The equations of a program, in the notation of a text.

Statements are translated into formulas (`translation`, `formula`, `normal_form`), the backward ones are put together
and simplified exactly (`derivation`, `simplify`, `algebra`, `rounding`), and what is left is typeset (`typesetting`,
`style`, `notation`, `page`).
"""

from .page import equations, latex

__all__ = ["equations", "latex"]

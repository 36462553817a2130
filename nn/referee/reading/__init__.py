"""Reading the code of a backward pass: where is it wrong, what stands there, what belongs there?

It begins where the numbers have shown that something is wrong, and goes through its modules in this order:

- `sites` makes every expression of a function hand over its value; `watch` exchanges the code of the functions that are
  reached for such code and puts it back; `variants` compiles them with a few changes only; `guard` keeps them harmless.
- `probes` are the networks on which it runs: with different widths, so that shapes tell things apart.
- `quantities` are the arrays of the equations there: which one is what an expression gives?
- `session` is a function watched on one probe; `edits` are changes of it: `changes` of an expression by what is there
  (`harmless` says which functions may be called), `known` quantities in its place, `statements` changed as a whole.
- `search` finds the changes that make arrays right, `repair` chooses, one mistake after the other, `spelling` writes a
  quantity in the user's names.
- `proof` runs the corrected text on the other networks.
- `formula` writes what an expression computes, `telling` makes a `correction` of each change, and `words` prints it.

`read` is the call.
"""

from .correction import Alternative, Correction, Reading

__all__ = ["Alternative", "Correction", "Reading"]

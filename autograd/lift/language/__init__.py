"""One language for what a graph computes: equations between families of scalars, in index notation (see `term`)."""

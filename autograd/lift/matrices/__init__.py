"""From a graph to statements over arrays: canonical sums, groups, matrix products, both passes (see `lifted`)."""

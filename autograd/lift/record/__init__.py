"""From a function to its graph: the calls that record it, what they must agree in, and what it may not do."""

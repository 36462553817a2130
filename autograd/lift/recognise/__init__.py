"""From a recording to families of values with one term each: canonical sums, families, steps, parts, names."""

"""The explorer: one offline page for both passes of a graph, at four depths, with one clock."""

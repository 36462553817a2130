"""What runs a program on batches.

`runner` gives the function for one batch size: straight-line NumPy code over arrays made beforehand, which
`expression_code` and `forward_code` write into a `workspace`. Where that code is in doubt about a number, `checked`
runs the batch again with every step looked at. `self_check` compares a new program with the engine.
"""

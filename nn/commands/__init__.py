"""The commands of the command line, one module each.

A module has `add(commands)`, which adds its parser to the subparsers and sets `run` as a default of it; `run(options)`
does the work and returns the exit code. `nn.__main__` lists the modules and turns errors into one line.
"""

"""Pages without scripts: what the referee found, the paths behind one gradient, the equations of a program."""

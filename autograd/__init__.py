"""A scalar reverse-mode autograd engine."""

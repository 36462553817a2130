"""Equations on paper: index notation put into matrices, signs and styles, pages."""

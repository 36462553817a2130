"""Networks of scalars, and the matrix equations that check them."""

"""The equations of products with the Hessian, from the statements."""

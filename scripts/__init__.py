"""Tools of whoever works on Ciranda; no part of the product."""

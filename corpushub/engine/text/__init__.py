"""Kernels over text columns and the row-wise steps built on them."""

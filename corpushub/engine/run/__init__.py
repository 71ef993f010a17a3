"""Carry a plan out: here, in a pool, on a cluster. The only package that collects frames."""

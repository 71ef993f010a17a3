"""corpushub: authorized public data in, versioned training datasets out."""

__version__ = "0.1.0"

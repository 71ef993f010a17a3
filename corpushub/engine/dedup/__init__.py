"""Duplicates and leaks between texts: exact, near, by paragraph, against evaluation sets."""

"""From a demand in everyday words to the catalog entries that serve it, with reasons."""

"""Steps on columns and records, and what reads dates, numbers and expressions for them."""

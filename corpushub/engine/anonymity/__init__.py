"""Re-identification risk of tables, generalisation, linkage across releases."""

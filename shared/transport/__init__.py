"""The bus and the object store: what services reach each other by."""

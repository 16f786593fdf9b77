"""Facts about O*NET: its codes, tables, domains, scales and license."""

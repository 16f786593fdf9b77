"""What O*NET is: its codes, tables, domains and license."""

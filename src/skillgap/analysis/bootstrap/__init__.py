"""How orders move when all occupations are rated again."""

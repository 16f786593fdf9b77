"""Which occupations are similar, from what people do and know."""

"""Parametric bootstraps: how rankings vary when occupations are rated again."""

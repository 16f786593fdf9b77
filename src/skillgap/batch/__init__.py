"""Gaps of whole workforces: a file of people or positions in, a row or a gap per line out, part by part.

One kernel does it, an Arrow record batch in and one out: `GapKernel`. It runs here, on Dask, and wherever else record
batches are handed to a function (Spark's `mapInArrow`, Ray Data's `map_batches`). Needs PyArrow, extra `parquet`.
"""

"""Corpus-level steps that SQL calls as table functions: DataFrames in, a DataFrame out."""

"""Reads stage files into a graph. No Spark."""

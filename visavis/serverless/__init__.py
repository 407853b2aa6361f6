"""Segments of jobs as calls of a function: AWS Lambda, and HTTP for whatever else."""

"""Calls back: told over HTTP how a job has ended."""

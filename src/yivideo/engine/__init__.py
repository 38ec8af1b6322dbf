"""Runs the steps in order."""

"""Faults brought about on purpose, with real processes, and what must hold all the same."""

"""Configuration: what can be set, where it comes from, what is wrong with it, and what it does.

*Bootstrap* keys (addresses, folders, ports) are read when a process starts. *Runtime* keys live in
the ledger as numbered versions, and act at once.
"""

"""The steps of a workflow: plain functions with typed parameters, registered by name."""

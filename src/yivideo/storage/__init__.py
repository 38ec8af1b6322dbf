"""Connections to Redis or Valkey, and a Valkey server of our own where nobody gives an address."""

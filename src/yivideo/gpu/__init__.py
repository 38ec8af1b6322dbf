"""Who may use which GPU now: devices, their holders, and what a host knows of both by itself."""

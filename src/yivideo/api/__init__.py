"""The HTTP interface: one module per resource; `app.create_app` puts them together."""

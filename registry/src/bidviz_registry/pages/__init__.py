"""Pages in a browser: the registry's gallery. This folder alone may use the dashboard's files."""

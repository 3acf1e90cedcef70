"""The client under other libraries' clients."""

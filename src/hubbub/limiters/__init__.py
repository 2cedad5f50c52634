"""Rate limiting: the port (`base`) and its adapters."""

"""Where comments are kept for good: the `Store` port (`base`) and an adapter a module."""

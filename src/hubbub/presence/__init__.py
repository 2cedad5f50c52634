"""How many watch a video, over all gateways: the `Presence` port (`base`) and an adapter a module."""

"""Hubbub: live comments for live video, kept for good and replayed at the second they were made."""

__version__ = "0.1.0"

"""Taking comments in: who may, how fast, what one may say, and what happens to it afterwards. One step a module."""

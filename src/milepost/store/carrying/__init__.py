"""Carry a whole workspace into another store: of this machine or of a server, once or again and again."""

"""Decide who may send to the receiver, and how much at once."""

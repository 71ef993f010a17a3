"""Builders and real data the tests share."""

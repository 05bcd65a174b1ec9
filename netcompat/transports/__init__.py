"""Transports: the operating system's connections behind one small adapter, `base.py`. One file for each kind."""

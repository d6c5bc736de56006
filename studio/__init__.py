"""Fitting Studio: virtual try-on for catalogue studios."""

__version__ = "0.1.0"

"""Masked diffusion on text."""

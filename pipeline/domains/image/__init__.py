"""Gaussian diffusion on images."""

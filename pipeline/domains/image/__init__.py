"""Gaussian diffusion on images: the data source, network and observables are still to come."""

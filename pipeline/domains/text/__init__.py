"""Masked diffusion on text: the data source, network and observables are still to come."""

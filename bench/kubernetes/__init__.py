"""Figures of Kubernetes cells, against a real API server."""

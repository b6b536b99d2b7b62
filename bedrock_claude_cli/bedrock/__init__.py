"""Faces AWS: clients and plain values in, frozen dataclasses out."""

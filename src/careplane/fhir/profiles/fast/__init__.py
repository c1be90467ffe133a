"""The fast path: a valid struct that surely has no error beyond its base type, or "look closer".

Rules of profiles become Python over structs (`rules`, with `conditions` for patterns and slices),
and so do the codes, references and extensions that any resource is asked about (`base`). What
cannot be said in Python looks closer wherever it is met. The law that tests hold: what is surely
good here has no error on the slow path, with the same answers about codes.
"""

from careplane.fhir.profiles.fast.around import Known
from careplane.fhir.profiles.fast.swift import Swift

__all__ = ["Known", "Swift"]

"""Keys of bodies: a random one for each patient, wrapped by its tenant's, which is wrapped by the
root. What they are is here; where the wrapped ones stand is each engine's `keys`."""

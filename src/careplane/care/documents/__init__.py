"""Documents, images and recordings in a patient's record: what comes in, and how it is kept."""

"""What is written in the care of a patient: notes, orders, prescriptions, forms."""

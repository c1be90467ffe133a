"""Schedules, and the visits that are booked on them (IHE ITI Scheduling 1.0 on FHIR R4)."""

"""A typed client of a FHIR R4 server, in step and asynchronous.

from careplane.client import Client
from careplane.client.resources import Patient

with Client("http://127.0.0.1:8080/fhir", token=token) as client:
    for patient in client.search(Patient, name="okaf"):
        print(patient.id, patient.birthDate)
"""

from careplane.client.aio import AsyncClient
from careplane.client.errors import Elsewhere, Refused, Unreachable
from careplane.client.pages import Version
from careplane.client.retries import Retries
from careplane.client.sync import Client
from careplane.client.transaction import Outcome, Transaction

__all__ = [
    "AsyncClient",
    "Client",
    "Elsewhere",
    "Outcome",
    "Refused",
    "Retries",
    "Transaction",
    "Unreachable",
    "Version",
]

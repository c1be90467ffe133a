"""The audit trail for an operator: filters, export, exposure, anomalies."""

"""The International Patient Summary (HL7 IPS 1.1): a document made of what stands in a record."""

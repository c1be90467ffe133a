"""The operators of FHIRPath, one file a family; `catalogue.py` beside this folder lists them."""

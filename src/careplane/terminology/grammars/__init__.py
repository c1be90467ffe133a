"""Code systems whose codes are made by a grammar, one in a file: nobody can list them all."""

"""Release files of code systems, as their publishers lay them out; one file each."""

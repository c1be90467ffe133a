"""Packages of definitions: profiles, extensions, value sets and maps that others have published."""

"""Referrals from one institution of an installation to another."""

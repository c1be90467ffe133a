"""Orders: laboratory, imaging, procedures and referrals."""

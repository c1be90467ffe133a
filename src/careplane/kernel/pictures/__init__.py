"""Files of pictures, without what tells where they were taken."""

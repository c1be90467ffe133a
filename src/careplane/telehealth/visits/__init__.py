"""Video visits: who may be in the room, how browsers find each other, what stays in the record."""

"""How sound and picture go among those in a room: one file a way, behind one port."""

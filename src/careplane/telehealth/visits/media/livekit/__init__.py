"""Through a LiveKit server, which takes from each participant once and hands on to the others.

It learns a name of the room that says nothing, the number of a seat, and network addresses; of
patients it learns nothing but what is seen and heard.
"""

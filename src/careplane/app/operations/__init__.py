"""What whoever runs an installation sees of it and does with it, beside the data: whether it lives,
how it is told to go, what it counts. Addresses here take no token and hold nothing of a patient.

These files stand in `app` and not in a room below it, since they ask every other room: the store
whether it answers, the background whether it leads, the server how many processes there are."""

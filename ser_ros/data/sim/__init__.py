"""The simulated home: rooms, pictures of them, what is in each picture, and captions of both styles."""

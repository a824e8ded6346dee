"""What stands in the home; each builder puts one thing together from a colour and a random generator."""

"""What else one would use, written anew from its description."""

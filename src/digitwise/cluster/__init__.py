"""The same jobs on Ray: many trainings, and more images than one machine reads in time."""

"""The same jobs on Ray: many trainings, and more pictures than one machine reads in time."""

"""Whole jobs over several rooms, as the library and the command line offer them: training, checking, evaluating."""

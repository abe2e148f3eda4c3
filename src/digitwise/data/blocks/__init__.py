"""Pictures of a set, block by block, whatever file they lie in."""

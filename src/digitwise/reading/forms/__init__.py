"""Forms read by a template: brought upright, cut into fields, read field by field."""

"""The service: a page to draw on and an API, over one reader."""

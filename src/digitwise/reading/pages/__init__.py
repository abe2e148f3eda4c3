"""From a photo of a page to its digits: the ink, its parts, the lines, the likeliest cuts, which way up."""

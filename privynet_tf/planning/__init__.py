"""From limits to a FEN and a report of what was delivered: section 3.3 of the paper, figures 6 and 8."""

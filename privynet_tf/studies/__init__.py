"""Studies of pruning and of intermediate channels, from tables to reports: sections 3.4 to 4."""

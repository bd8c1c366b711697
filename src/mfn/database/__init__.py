"""What every SQL database here shares: engines that behave, and merges in bulk."""

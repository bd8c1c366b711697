"""Buyers' data: what may be kept no longer leaves (purge > scrub, or at once for a buyer who asks), and its keys."""

"""Buyers' data: its removal when its time is over (purge > scrub) or when a buyer asks (erase), and its keys."""

"""Alerts: who is notified of what, and when; the events of runs, and the Prefect automations that react to them."""

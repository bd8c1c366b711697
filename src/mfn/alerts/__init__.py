"""Alerts: who is notified of what, and when; the events that runs emit, and the Prefect automations that react to them."""

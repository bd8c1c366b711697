"""Who is told of what, and when: events that runs emit, and the Prefect automations that answer them."""

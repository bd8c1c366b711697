"""How each step runs under Prefect: its name, its retries, one line of figures, and one call."""

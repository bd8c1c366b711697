"""What is checked of due orders, lines and parcels and of the stock: Great Expectations suites, and our findings."""

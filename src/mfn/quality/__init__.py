"""The checks of due orders, lines, parcels and stock: Great Expectations suites, and our findings."""

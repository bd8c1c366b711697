"""Orders of Amazon into the warehouse: extract > validate > transform > load, and what each step works with.

Here too: imports without a schedule (`mfn follow`), and long periods that are searched besides (`mfn backfill`).
"""

"""Orders from Amazon into the warehouse: extract > validate > transform > load, and what each step works with.

Also here: imports without a schedule (`mfn follow`), and long periods searched in the background (`mfn backfill`).
"""

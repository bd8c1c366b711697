"""Parcels of the warehouse, told to Amazon: collect > normalize > confirm > verify, and what each step works with."""

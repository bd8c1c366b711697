"""The warehouse's parcels to Amazon: collect > normalize > confirm > verify, and what each step works with."""

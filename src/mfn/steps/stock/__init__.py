"""Stock of the warehouse, told to Amazon: read > compare > push > verify, and what each step works with."""

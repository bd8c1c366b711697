"""The warehouse's stock levels to Amazon: read > compare > push > verify, and what each step works with."""

"""What is run again from the ledger: batches, from a stage on, and all orders of a period, in parts."""

"""What is run again from the ledger: batches, from a stage onwards, and all orders of a period, in parts."""

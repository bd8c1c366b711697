"""The report site: runs, orders and expectations as pages, read from the ledger; it changes nothing."""

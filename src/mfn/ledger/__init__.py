"""The ledger: a SQL database of this project's own, the truth about everything that was fetched and done."""

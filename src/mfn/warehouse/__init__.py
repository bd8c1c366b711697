"""The warehouse: the tables of the contract in a SQL database, written under a guard, read as frames."""

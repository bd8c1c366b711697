"""Amazon, the ledger and the warehouse compared over a period: search > compare, and what differs."""

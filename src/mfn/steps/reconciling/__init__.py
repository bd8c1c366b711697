"""Amazon, the ledger and the warehouse compared over a period: search > compare, what differs, and how it is told."""

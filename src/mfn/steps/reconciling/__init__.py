"""Amazon, the ledger and the warehouse compared over a period: what was asked for, what differs, how it is told."""

"""What all SQL databases here share: their URLs, well-behaved engines, and bulk merges."""

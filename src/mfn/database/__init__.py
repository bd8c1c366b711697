"""What all SQL databases here share: well-behaved engines, and bulk merges."""

"""For those who maintain the mapping files: whether they are right, how they treat an order, and what they lack."""

"""What those who keep the mapping files ask: whether they are right, what they make of an order, what they lack."""

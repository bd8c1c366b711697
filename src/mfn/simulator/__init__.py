"""A local Amazon and a local warehouse, for the demo and for the tests."""

"""A local Amazon and a local warehouse, for the demonstration and for the tests."""

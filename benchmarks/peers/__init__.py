"""The same orders from the same local Amazon through this project and through others: `python -m benchmarks.peers`."""

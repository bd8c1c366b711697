"""Every flow under every fault: broken off, run again, and compared with the truth; `make faults` runs all of it."""

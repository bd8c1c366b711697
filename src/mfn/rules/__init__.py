"""Pure functions from frames and frozen parameters to frames: no database, no network, no clock."""

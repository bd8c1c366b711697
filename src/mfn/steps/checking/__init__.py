"""`mfn check`: whether a connection is set up, in nine steps, against the real services; nothing is changed."""

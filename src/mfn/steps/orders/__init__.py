"""Single orders as `mfn orders` and the report site show them, and people's decisions about them."""

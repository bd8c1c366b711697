"""Single orders, as `mfn orders` and the report site show them, and what people decide about them."""

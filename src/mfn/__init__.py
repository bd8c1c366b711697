"""mfn moves Amazon seller-fulfilled orders into a warehouse, and shipments and stock back to Amazon."""

__version__ = "0.1.0"

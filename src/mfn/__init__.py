"""mfn moves seller-fulfilled Amazon orders into a warehouse, and shipment confirmations and stock back to Amazon."""

__version__ = "0.1.0"

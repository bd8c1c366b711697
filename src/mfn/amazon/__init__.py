"""Amazon's Selling Partner API: the only folder that imports python-amazon-sp-api."""

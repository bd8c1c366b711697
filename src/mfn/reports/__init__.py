"""The data-quality report of a run: plain data in, an HTML page, Markdown and table rows out."""

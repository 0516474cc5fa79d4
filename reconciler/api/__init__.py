"""The remote, spoken to. The only package that imports httpx."""

"""Requests to the platform, and what their answers prove. The only package that imports httpx."""

"""A plan as text, JSON, Markdown or HTML. Pure."""

"""The catalogue of rules, in each format. Pure."""

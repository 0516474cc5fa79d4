"""The answers of a platform to the open questions, in each format. Pure."""

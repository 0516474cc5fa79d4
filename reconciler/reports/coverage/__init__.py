"""The compartment × datamart matrix, in each format. Pure."""

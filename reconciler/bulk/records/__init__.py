"""One record of a source in, one import command out, or the reason why not. Pure."""

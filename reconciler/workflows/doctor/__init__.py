"""What stands in the way of a run: each module judges one subject, from what was read elsewhere. Writes nothing."""

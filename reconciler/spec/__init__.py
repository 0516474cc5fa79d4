"""YAML text -> checked documents -> desired state."""

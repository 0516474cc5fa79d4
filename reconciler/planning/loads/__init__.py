"""Profile loads: generations, the load protocol, retention. Pure."""

"""One chunk = one job: sent by a thread or a process, its last block behind the commit gate."""

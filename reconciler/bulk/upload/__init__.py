"""One chunk = one job: sent by a thread, a process or a worker of a cluster, its last block behind the commit gate."""

"""Who sends a chunk that the coordinator's own threads do not send: processes of this machine, or workers of a cluster."""

from typing import Protocol

from reconciler.api.answers import Answer
from reconciler.bulk.upload.job import Job

# Bytes of a load. To make so few takes a thread less time than a process takes to begin.
IN_PROCESS_MAX_BYTES = 2_000_000


class SenderLost(Exception):
    """Who was sending is gone, and the last block may have left: nothing is proven. Says who."""


class Senders(Protocol):
    """Sends chunks elsewhere; shared by all threads of a run."""

    def takes(self, job: Job, size: int) -> bool:
        """True if this chunk is sent there; starts nothing.

        Args:
            job: what is to be sent.
            size: bytes of the whole load.
        """

    def send(self, job: Job) -> Answer:
        """Send one chunk once.

        Raises:
            SenderLost: who was sending it is gone.
        """

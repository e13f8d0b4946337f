"""The store's announcements of new events, for `live`. Imported on the replica alone: it brings the database along."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

from delegator.store.store import Store


class StoreFeed:
    """Listens at the database, on a connection of its own; the events themselves come through the backend.

    Args:
        database_url: where the store is.
    """

    def __init__(self, database_url: str) -> None:
        self._url = database_url

    async def listen(self) -> AsyncGenerator[Sequence[int], None]:
        """Yield ids of new events, none where some may have been missed.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        store = Store(self._url, pool_size=1)
        try:
            await store.open()
            async with store.listen() as news:
                async for ids in news:
                    yield ids
        finally:
            await store.close()

"""A store that any number of machines share: one table of Amazon's DynamoDB.

    keys          where everything stands in the table, and why
    items         comments, events and the rest as items, and back
    connections   the URL, and a client for it
    tables        making the table, and knowing one of ours
    requests      one call's requests: trying again, batches, transactions
    failures      what went wrong, sorted, in words that say what to change
    buckets       the index of hours that have comments
    context       what the parts share in one call
    appends       new comments and idempotency keys
    changes       deleting, hiding, restoring, pinning
    videos        records, and the events that tell of them
    walking       comments in order, out of buckets and shards
    reads         what readers ask
    lists         the unpublished list and review flags
    store         `DynamoStore`: the port's methods over all of these

Why so: docs/decisions/0013-dynamodb.md.
"""

from hubbub.stores.dynamodb.store import DynamoStore

__all__ = ["DynamoStore"]

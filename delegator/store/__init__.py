"""The record: what happened, in PostgreSQL.

`store.Store` is the way in, `records` is what goes through it, `embedded.EmbeddedPostgres` brings a server where there
is none. Rows, SQL and connections stay in this folder. Nothing is imported here, so that the records alone load fast.
"""

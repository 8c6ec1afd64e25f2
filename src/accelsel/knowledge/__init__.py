"""The rules table: data files, their JSON Schemas, and the loader that gives typed rows."""

"""The record for machines, and the transparency notice that is made from it."""

from suasion.disclosure.export.formats import as_csv, as_json, as_json_ld, schema
from suasion.disclosure.export.items import Item, items_of
from suasion.disclosure.export.records import SCHEMA_ID, records

__all__ = ["SCHEMA_ID", "Item", "as_csv", "as_json", "as_json_ld", "items_of", "records", "schema"]

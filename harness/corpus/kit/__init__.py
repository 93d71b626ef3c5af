"""A customer's folder of recordings and their spreadsheet in, a manifest with its datasheet out."""

from harness.corpus.kit.answers import KIT_FILE
from harness.corpus.kit.kit import Kit, read_kit
from harness.corpus.kit.options import BadRows, EmptyText, KitOptions
from harness.corpus.kit.writing import write_kit

__all__ = ["KIT_FILE", "BadRows", "EmptyText", "Kit", "KitOptions", "read_kit", "write_kit"]

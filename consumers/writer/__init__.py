"""The ClickHouse writer."""

from consumers.writer.service import run_writer

__all__ = ["run_writer"]

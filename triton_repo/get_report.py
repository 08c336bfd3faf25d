"""What `sightline models get` shows: the models there are, and how far a download is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.table import Table

from triton_repo.catalogue import CATALOGUE


def catalogue_table() -> Table:
    """The models that can be fetched."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("name", "MB", "licence", "what it is"):
        table.add_column(column)
    for model in CATALOGUE.values():
        table.add_row(model.name, f"{model.bytes / 1e6:.1f}", model.licence, model.about)
    return table


@contextmanager
def download_progress(name: str, size: int) -> Iterator[Callable[[int], None]]:
    """Show a download on standard error: a bar on a terminal, a line at each tenth elsewhere.

    Yields:
        What is to be told how many bytes are there.
    """
    console = Console(stderr=True)
    if console.is_terminal:
        columns = (TextColumn(name), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task(name, total=size)
            yield lambda there: bar.update(task, completed=there)
        return
    told = -1

    def tell(there: int) -> None:
        nonlocal told
        if there * 10 // size != told:
            told = there * 10 // size
            console.print(f"{name}: {told * 10}% of {size / 1e6:.1f} MB", highlight=False)

    yield tell

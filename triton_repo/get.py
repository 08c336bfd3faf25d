"""`sightline models get`: fetch a published detector, check it, and make its model folder."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from sightline.errors import SightlineError
from triton_repo.add import Added, Request, add_model, check_target
from triton_repo.catalogue import CATALOGUE, CatalogueModel
from triton_repo.download import Progress, Wanted, check_address, digest_of, download


@dataclass(frozen=True)
class Fetch:
    """What the user asks for.

    Attributes:
        model: One of the catalogue.
        to: The folder that gets the model's folder; made if missing.
        mirror: An address to fetch from in place of the makers': the file's own, or that of its folder.
        file: A file that was downloaded before, in place of any address.
        replace: Write over a model of this name.
    """

    model: CatalogueModel
    to: Path
    mirror: str | None = None
    file: Path | None = None
    replace: bool = False


def model_named(name: str) -> CatalogueModel:
    """A model of the catalogue; raises SightlineError for another name."""
    if name not in CATALOGUE:
        raise SightlineError(
            f"There is no model {name!r} to get.",
            f"There are {', '.join(CATALOGUE)}. For one of your own: sightline models add FILE.",
        )
    return CATALOGUE[name]


def address_of(model: CatalogueModel, mirror: str | None) -> str:
    """Where to fetch a model from.

    Raises:
        SightlineError: The mirror is no address.
    """
    if mirror is None:
        return model.address
    check_address(mirror)
    parts = urlsplit(mirror)
    if parts.path.endswith(".onnx"):
        return mirror
    return parts._replace(path=f"{parts.path.rstrip('/')}/{model.file}").geturl()


def get_model(fetch: Fetch, progress: Progress) -> Added:
    """Fetch a model and add it. Nothing is written but its folder, and while it lasts the part that is there.

    Raises:
        SightlineError: It cannot be had, is another file, or cannot be written.
    """
    model = fetch.model
    check_target(fetch.to / model.name, replace=fetch.replace)
    if fetch.file is not None:
        _check_file(model, fetch.file)
        return _add(fetch, fetch.file)
    address = address_of(model, fetch.mirror)
    part = fetch.to / f".{model.name}.onnx.part"
    try:
        fetch.to.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SightlineError(
            f"Cannot make the folder {fetch.to}: {error.strerror}.", "Name another one with --to."
        ) from error
    try:
        download(Wanted(address, model.bytes, model.sha256), part, progress)
    except SightlineError as error:
        _tidy(part)
        if error.fix:
            raise
        raise SightlineError(error.what, _other_ways(model)) from error
    added = _add(fetch, part)
    part.unlink(missing_ok=True)
    return added


def _tidy(part: Path) -> None:
    """Leave nothing behind of a download that brought nothing."""
    if part.is_file() and part.stat().st_size == 0:
        part.unlink()
    with suppress(OSError):
        part.parent.rmdir()  # only if it is empty


def _add(fetch: Fetch, file: Path) -> Added:
    model = fetch.model
    return add_model(Request(file, model.head, fetch.to, model.name, model.labels, replace=fetch.replace))


def _check_file(model: CatalogueModel, file: Path) -> None:
    try:
        found = digest_of(file)
    except OSError as error:
        raise SightlineError(f"Cannot read {file}: {error.strerror}.", "Check the path.") from error
    if found != model.sha256:
        raise SightlineError(
            f"{file} is not {model.name}: its SHA-256 is {found}; expected {model.sha256}.",
            f"Download {model.address} again ({model.bytes} bytes). For another model: sightline models add "
            f"{file}.",
        )


def _other_ways(model: CatalogueModel) -> str:
    return (
        "Give the address of a mirror with --mirror (or the setting model.mirror); or download "
        f"{model.address} ({model.bytes} bytes) elsewhere and give it with --file. The same command goes on "
        "where this one stopped."
    )

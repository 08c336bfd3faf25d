"""Imports follow the data, as `docs/decisions.md` and the design say. Imports inside functions count."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

ALLOWED = {
    "schemas": {"schemas"},
    "sightline": {"schemas", "sightline"},
    "producers": {"schemas", "sightline", "producers"},
    "processors": {"schemas", "sightline", "processors"},
    "consumers": {"schemas", "sightline", "consumers"},
    "triton_repo": {"sightline", "triton_repo"},
}
OURS = {*ALLOWED, "tests"}
RUNS_BESIDE_TRITON = ("sightline.cli", "sightline.pipeline", "sightline.settings")


def imported(source: str, module: str) -> Iterator[tuple[int, str]]:
    """Line and full name of each module that the source of `module` imports, or may import.

    `from a import b` gives `a.b`, which is a module or a name in one. Relative imports are resolved, and
    a string given to `import_module` counts.
    """
    package = module.split(".")[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{stem}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and _is_import_call(node):
            yield node.lineno, str(ast.literal_eval(node.args[0]))


def _is_import_call(call: ast.Call) -> bool:
    name = _name(call.func) in {"import_module", "__import__"}
    return name and bool(call.args) and isinstance(call.args[0], ast.Constant)


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def modules(package: str) -> Iterator[tuple[Path, str]]:
    """Path and full name of each module of a package; a package itself is named `package.__init__`."""
    for path in sorted((ROOT / package).rglob("*.py")):
        yield path, ".".join(path.relative_to(ROOT).with_suffix("").parts)


def our_imports(package: str) -> Iterator[tuple[Path, str, int, str]]:
    """Path, module, line and name of each import of something of ours."""
    for path, module in modules(package):
        for line, name in imported(path.read_text(encoding="utf-8"), module):
            if name.split(".")[0] in OURS:
                yield path, module, line, name


@pytest.mark.parametrize("package", ALLOWED)
def test_a_package_imports_only_what_the_data_flow_allows(package: str) -> None:
    assert list(modules(package)), f"{package} has no modules: is the layout another one now?"
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path, module, line, name in our_imports(package)
        if name.split(".")[0] not in ALLOWED[package]
        # The models that ship are trained and measured on the synthetic cameras.
        and not (module == "triton_repo.training.scenes" and name.startswith("producers.synthetic."))
    ]
    assert wrong == []


def test_the_models_on_triton_import_nothing_of_sightline_but_vision() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path, module, line, name in our_imports("triton_repo")
        if name.startswith("sightline")
        and not name.startswith(("sightline.vision", "sightline.errors"))
        # The command line runs beside Triton, not in it.
        and not (
            module == "triton_repo.cli"
            and name.startswith(("sightline.cli", "sightline.pipeline", "sightline.settings"))
        )
    ]
    assert wrong == []


def test_vision_imports_nothing_of_sightline_that_the_models_have_no_libraries_for() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path, module, line, name in our_imports("sightline")
        if module.startswith("sightline.vision")
        and not name.startswith(("sightline.vision", "sightline.errors"))
    ]
    assert wrong == []


def test_the_parts_of_sightline_import_each_other_in_one_direction() -> None:
    edges: dict[str, set[str]] = {}
    for _, module, _, name in our_imports("sightline"):
        part, other = module.split(".")[1], name.split(".")[1]
        edges.setdefault(part, set())
        if name.startswith("sightline.") and other != part and _is_part(other):
            edges[part].add(other)
    assert cycle(edges) == []


def _is_part(name: str) -> bool:
    return (ROOT / "sightline" / name).is_dir() or (ROOT / "sightline" / f"{name}.py").is_file()


def cycle(edges: dict[str, set[str]]) -> list[str]:
    """The names along one cycle, or an empty list."""
    done: set[str] = set()

    def visit(name: str, trail: list[str]) -> list[str]:
        if name in trail:
            return [*trail[trail.index(name) :], name]
        if name not in done:
            for other in sorted(edges.get(name, ())):
                if found := visit(other, [*trail, name]):
                    return found
            done.add(name)
        return []

    return next((found for name in sorted(edges) if (found := visit(name, []))), [])


def test_every_way_to_import_is_seen() -> None:
    source = """
import schemas.wire, numpy as np
from sightline import settings
from . import near
from .. import up as other
from ..vision.nms import keep
def lazily():
    from consumers.writer import write
    importlib.import_module("producers.capture")
    __import__("tests.unit")
if TYPE_CHECKING:
    import processors
"""
    assert [name for _, name in sorted(imported(source, "sightline.stack.kafka"))] == [
        "numpy",
        "schemas.wire",
        "sightline.settings",
        "sightline.stack.near",
        "sightline.up",
        "sightline.vision.nms.keep",
        "consumers.writer.write",
        "producers.capture",
        "tests.unit",
        "processors",
    ]


def test_a_cycle_is_found() -> None:
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"b", "d"}}) == ["b", "c", "b"]
    assert cycle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []

"""The house's rules that a reader relies on: which way imports run, what stays pure, how long a file may be, one typed door."""

import ast
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import sfu.dataplane

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("ciranda", "signaling", "metrics", "sfu")

MAY_IMPORT = {
    "ciranda": {"ciranda", "signaling", "metrics", "sfu"},
    "signaling": {"signaling", "metrics", "sfu"},
    "metrics": {"metrics", "sfu"},
    "sfu": {"sfu"},
}
"""Between packages; `sfu.__main__` alone also calls the composition root."""

TOWER = (
    ("sfu.node",),
    ("sfu.moderator",),
    ("sfu.room",),
    ("sfu.direct_overlay", "sfu.relay", "sfu.slot_filler"),
    ("sfu.participant",),
    ("sfu.connection",),
    ("sfu.slot",),
    ("sfu.track",),
    ("sfu.transport",),
    ("sfu.media_port",),
)
"""The objects of the media plane, highest first. Each knows those below it, never one above or beside it."""

SANS_IO = ("sfu.protocol", "sfu.negotiation", "sfu.selection", "sfu.speakers", "sfu.direct", "sfu.direct_signal")
"""Pure: given values and, where time matters, `now`."""

ADDRESS_FUNCTIONS = {"AF_INET", "AF_INET6", "inet_aton", "inet_ntop", "inet_pton"}
"""What pure code may use of `socket`: the text form of addresses."""

IO_MODULES = {"asyncio", "time", "threading", "random", "select", "aiohttp", "uvloop"}

MOST_LINES = 400
TABLES = ROOT / "signaling/web/lang"
"""Of texts, a line each: a language is one file, however many there are."""
MOST_METHODS = 40
"""Of one class, private and dunder methods included."""

SOURCES = ("*.py", "*.pyx", "*.pxd", "*.pyi", "*.js", "*.css", "*.html", "*.sh")


def files(*patterns: str, under: tuple[str, ...] = (*PACKAGES, "benchmarks", "tests", "scripts")) -> Iterator[Path]:
    for folder, pattern in itertools.product(under, patterns):
        yield from sorted((ROOT / folder).rglob(pattern))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> set[str]:
    """Every module that a file names in an import, wherever in the file; `from a import b` counts as `a.b` if that is a module."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module_name(path).split(".")
                parts = parts if path.stem == "__init__" else parts[:-1]
                base = ".".join([*parts[: len(parts) - node.level + 1], *filter(None, [base])])
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                found.add(inner if is_module(inner) else base)
    return found


def source_of(module: str) -> Path:
    path = ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or path.with_suffix(".pyx").is_file() or (path / "__init__.py").is_file()


def cimports(path: Path) -> set[str]:
    text = path.read_text(encoding="utf-8")
    found = set(re.findall(r"^\s*from\s+(sfu[\w.]*)\s+c?import", text, re.MULTILINE))
    return found | set(re.findall(r"^\s*c?import\s+(sfu[\w.]*)", text, re.MULTILINE))


GRAPH = {module_name(path): imports(path) for path in files("*.py", under=PACKAGES)}


def test_packages_import_one_way() -> None:
    wrong = [
        (module, target)
        for module, targets in GRAPH.items()
        for target in targets
        if (package := target.partition(".")[0]) in PACKAGES
        and package not in MAY_IMPORT[module.partition(".")[0]]
        and (module, target) != ("sfu.__main__", "ciranda.cli")
    ]
    assert wrong == []


def test_the_tower_imports_downward_only() -> None:
    height = {module: len(TOWER) - level for level, modules in enumerate(TOWER) for module in modules}
    assert height.keys() <= GRAPH.keys()
    wrong = [
        (module, target)
        for module, targets in GRAPH.items()
        if module.startswith("sfu.") and module != "sfu.__main__"
        for target in targets
        # A module outside of the tower is a value, a pure function or a leaf: it knows no object of it.
        if target in height and target != module and height.get(module, 0) <= height[target]
    ]
    assert wrong == []


def test_nothing_imports_in_a_circle() -> None:
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " → ".join((*trail[trail.index(module) :], module))
        if module in done:
            return
        for target in sorted(GRAPH.get(module, set()) & GRAPH.keys() - {module}):
            # A package's own modules may import from its front: only the other way makes a circle at import.
            if not module.startswith(f"{target}."):
                visit(target, (*trail, module))
        done.add(module)

    for module in sorted(GRAPH):
        visit(module, ())


def test_protocol_and_data_plane_know_nothing_above_them() -> None:
    allowed = {
        "sfu.protocol": ("sfu.protocol", "sfu.errors", "sfu.ids"),
        "sfu.dataplane": ("sfu.dataplane", "sfu.errors"),
    }
    for prefix, targets in allowed.items():
        for module in (m for m in GRAPH if m.startswith(prefix)):
            wrong = {t for t in GRAPH[module] if t.partition(".")[0] in PACKAGES and not t.startswith(targets)}
            assert wrong == set(), module
    for path in files("*.pyx", "*.pxd", under=("sfu",)):
        assert all(name.startswith(allowed["sfu.dataplane"]) for name in cimports(path)), path


@pytest.mark.parametrize("prefix", SANS_IO)
def test_pure_modules_do_no_io_and_read_no_clock(prefix: str) -> None:
    modules = [m for m in GRAPH if (m == prefix or m.startswith(f"{prefix}.")) and m != "sfu.protocol"]
    assert modules
    for module in modules:
        assert {target.partition(".")[0] for target in GRAPH[module]} & IO_MODULES == set(), module
        tree = ast.parse(source_of(module).read_text(encoding="utf-8"))
        used = {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute) and ast.unparse(n.value) == "socket"}
        assert used <= ADDRESS_FUNCTIONS, module


def test_the_media_plane_knows_no_http() -> None:
    for module in (m for m in GRAPH if m.startswith("sfu")):
        assert {t.partition(".")[0] for t in GRAPH[module]} & {"aiohttp", "jwt", "prometheus_client"} == set(), module


def test_the_data_plane_has_one_door() -> None:
    """Others import `sfu.dataplane` and its plain values, never one of the compiled modules behind them."""
    compiled = {f"sfu.dataplane.{path.stem}" for path in files("*.pyx", under=("sfu",))}
    wrong = [(m, t) for m, targets in GRAPH.items() if not m.startswith("sfu.dataplane") for t in targets & compiled]
    assert wrong == []


def test_the_door_is_typed_as_it_is() -> None:
    stub = ast.parse((ROOT / "sfu/dataplane/__init__.pyi").read_text(encoding="utf-8"))
    classes = [node for node in stub.body if isinstance(node, ast.ClassDef)]
    names = {a.asname or a.name for n in stub.body if isinstance(n, ast.ImportFrom) for a in n.names}
    for name in names | {c.name for c in classes}:
        assert hasattr(sfu.dataplane, name), name
    for described in classes:
        real = {n for n in vars(getattr(sfu.dataplane, described.name)) if not n.startswith("_")}
        said = {n.name for n in described.body if isinstance(n, ast.FunctionDef) and not n.name.startswith("_")}
        said |= {n.target.id for n in described.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)}
        assert real == said, described.name


def test_every_compiled_module_that_python_imports_has_types() -> None:
    """Tests look into single modules; without a .pyi mypy would take whatever they find for `Any`."""
    wanted = {target for path in files("*.py", under=("tests", "benchmarks", "scripts")) for target in imports(path)}
    for path in files("*.pyx", under=("sfu", "benchmarks")):
        if module_name(path) in wanted:
            assert path.with_suffix(".pyi").is_file(), path


@pytest.mark.parametrize("document", ["ARCHITECTURE.md", "CONTRIBUTING.md", "README.md", "benchmarks/README.md"])
def test_documents_name_files_that_exist(document: str) -> None:
    there = {path.relative_to(ROOT).as_posix() for path in files(*SOURCES)}
    named = re.findall(r"`([\w./]+\.(?:py|pyx|js|css|html))`", (ROOT / document).read_text(encoding="utf-8"))
    assert [name for name in named if not any(f"/{path}".endswith(f"/{name}") for path in there)] == []


def test_no_file_is_too_long() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in files(*SOURCES)
        if "node_modules" not in path.parts and TABLES not in path.parents
    }
    assert {path: lines for path, lines in lengths.items() if lines > MOST_LINES} == {}


def test_no_class_does_everything() -> None:
    counts = {
        f"{module_name(path)}.{node.name}": sum(
            isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef) for n in node.body
        )
        for path in files("*.py", under=PACKAGES)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    }
    assert {name: count for name, count in counts.items() if count > MOST_METHODS} == {}


def test_nothing_is_left_open_and_nothing_silenced_wholesale() -> None:
    here = Path(__file__).resolve()
    wrong = re.compile(r"\b(?:TODO|FIXME|X{3}|NotImplementedError)\b|type: ignore(?!\[)|noqa(?!:)")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in files("*.py", "*.pyx", "*.pxd", "*.js")
        if path.resolve() != here and "node_modules" not in path.parts
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if wrong.search(line)
    ]
    assert found == []

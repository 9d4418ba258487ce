"""`make mutants`: how many small changes of the product no test notices.

Draws MUTANTS of them (200) by SEED (1) from what keeps codes and money: sealing, ledger, claims,
downloads, placing, storing, identity. Each is judged by the tests that need no stack and run the
changed line, as the coverage of one run tells: first by those that run least. Fails when one
survives that `survivors.txt` does not explain.
"""

import os
import random
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from coverage import CoverageData

from tests.mutation.mutations import Mutant, mutants_of, mutated

ROOT = Path(__file__).parents[2]
LAYER = ROOT / "layers/cardvault"
PACKAGE = LAYER / "cardvault"
SUBJECTS = (
    "core/cards.py",
    "core/hash_chain.py",
    "core/sealed_box.py",
    "sealing/*.py",
    "giftcards/ledger/*.py",
    "giftcards/operations/*.py",
    "giftcards/security/*.py",
    "links.py",
    "claims/*.py",
    "downloads/*.py",
    "fulfilment/place.py",
    "fulfilment/store_cards.py",
    "fulfilment/uniqueness.py",
    "identity/*.py",
)
TESTS = ("tests/unit", "tests/store", "tests/issuer", "tests/roles")
# They die at every boundary there is: slow, and no test runs a line of its own.
LEFT_OUT = "--ignore-glob=*/test_crash_injection*.py"
USAGE_ERROR = 4  # of pytest
NOT_IMPORTED = ("ERROR collecting", "while loading conftest")
RENAMED = "no match in any of"  # what stood in the name of a parametrized test was changed
FIRST_TESTS = 120
MOST_SECONDS = 600  # a mutant that runs for ever is noticed
SURVIVORS = Path(__file__).parent / "survivors.txt"

Tests = dict[tuple[str, int], list[str]]


def main() -> int:
    """The exit code."""
    count, seed = int(os.environ.get("MUTANTS", "200")), int(os.environ.get("SEED", "1"))
    drawn = draw(count, seed)
    print(f"{len(drawn)} mutants, drawn by SEED={seed}; each line's tests are found", flush=True)
    with tempfile.TemporaryDirectory() as place:
        tests = tests_of_lines(Path(place))
        survivors = judge(drawn, tests, Path(place))
    explained = explanations()
    unexplained = [mutant for mutant in survivors if str(mutant) not in explained]
    for mutant in unexplained:
        print(f"not explained: {mutant}")
    equivalent = len(survivors) - len(unexplained)
    died = len(drawn) - len(survivors)
    share = 100 * died / (len(drawn) - equivalent)
    print(f"{died} died, {equivalent} are explained, {len(unexplained)} survived: {share:.1f} %")
    return 1 if unexplained else 0


def draw(count: int, seed: int) -> list[Mutant]:
    """So many mutants of all, by chance."""
    files = sorted({file for pattern in SUBJECTS for file in PACKAGE.glob(pattern)})
    found = [
        mutant
        for file in files
        for mutant in mutants_of(str(file.relative_to(PACKAGE)), file.read_text())
    ]
    return random.Random(seed).sample(found, min(count, len(found)))  # noqa: S311 - no secret


def tests_of_lines(place: Path) -> Tests:
    """Which tests run which line, those that run least first."""
    data_file = place / "coverage"
    options = (
        "--cov",
        "--cov-context=test",
        "--cov-report=",
        "--cov-fail-under=0",
        "-n",
        str(os.cpu_count()),
        LEFT_OUT,
    )
    _pytest([*TESTS, *options], LAYER, COVERAGE_FILE=str(data_file), check=True)
    data = CoverageData(str(data_file))
    data.read()
    tests: Tests = {}
    lines_of_test: dict[str, int] = {}
    for name in data.measured_files():
        file = Path(name)
        if not file.is_relative_to(PACKAGE):
            continue
        for line, contexts in data.contexts_by_lineno(name).items():
            names = {context.rpartition("|")[0] for context in contexts if context}
            tests[str(file.relative_to(PACKAGE)), line] = list(names)
            for test in names:
                lines_of_test[test] = lines_of_test.get(test, 0) + 1
    for ran in tests.values():
        ran.sort(key=lambda test: (lines_of_test[test], test))
    return tests


def judge(drawn: list[Mutant], tests: Tests, place: Path) -> list[Mutant]:
    """Those that survive. Each processor has a copy of the layer, in which one file is changed."""
    layers: SimpleQueue[Path] = SimpleQueue()
    for number in range(os.cpu_count() or 1):
        layer = place / f"layer-{number}"
        shutil.copytree(PACKAGE, layer / "cardvault", ignore=shutil.ignore_patterns("__pycache__"))
        layers.put(layer)

    def judged(mutant: Mutant) -> bool:
        layer = layers.get()
        try:
            survived = survives(mutant, tests, layer)
        finally:
            layers.put(layer)
        if survived:
            print(f"line {mutant.line} of {mutant}", flush=True)
        return survived

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        verdicts = list(pool.map(judged, drawn))
    return [mutant for mutant, survived in zip(drawn, verdicts, strict=True) if survived]


def survives(mutant: Mutant, tests: Tests, layer: Path) -> bool:
    """Whether the tests that run the changed line pass on a layer with the change."""
    file = layer / "cardvault" / mutant.path
    original = file.read_text()
    ran = tests.get((mutant.path, mutant.line)) or _of_file(mutant.path, tests)
    if not ran:
        return True
    file.write_text(mutated(original, mutant.number))
    try:
        first, rest = ran[:FIRST_TESTS], ran[FIRST_TESTS:]
        return _passes(first, layer) and (not rest or _passes(rest, layer))
    except subprocess.TimeoutExpired:
        return False
    finally:
        file.write_text(original)


def _of_file(path: str, tests: Tests) -> list[str]:
    """What runs at import is judged by the tests that run anything of the file."""
    return sorted({test for (file, _), ran in tests.items() if file == path for test in ran})


def _passes(tests: list[str], layer: Path) -> bool:
    done = _pytest([*tests, "-x"], layer)
    if done.returncode == USAGE_ERROR and RENAMED in done.stdout + done.stderr:
        functions = sorted({test.partition("[")[0] for test in tests})
        done = _pytest([*functions, "-x"], layer)
    # A mutant that fails where it is imported leaves no test of that name, and is noticed.
    said = done.stdout + done.stderr
    if done.returncode == USAGE_ERROR and not any(words in said for words in NOT_IMPORTED):
        raise SystemExit(said)
    return done.returncode == 0


def _pytest(
    arguments: list[str], layer: Path, *, check: bool = False, **more: str
) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-header"]
    path = ["-o", f"pythonpath={layer} {ROOT}"]
    environment = {**os.environ, "PYTHONPATH": "", "PYTHONDONTWRITEBYTECODE": "1", **more}
    done = subprocess.run(
        [*command, *path, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=None if check else MOST_SECONDS,
        check=False,
    )
    if check and done.returncode:
        raise SystemExit(done.stdout[-3000:])
    return done


def explanations() -> dict[str, str]:
    """Mutants that change nothing a test could see, and why: a line each, then an indented one."""
    lines = [line for line in SURVIVORS.read_text().splitlines() if line and line[0] != "#"]
    return {name: why.strip() for name, why in zip(lines[::2], lines[1::2], strict=True)}


if __name__ == "__main__":
    sys.exit(main())

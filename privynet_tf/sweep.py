"""A sweep: measures the cells of a grid into a table, one after another or side by side."""

import collections
import pathlib
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures

from privynet_tf import characterization, reconstructions, tables
from privynet_tf import processes as process_pool
from privynet_tf.characterization import Budget, Cache, Task
from privynet_tf.errors import InputError
from privynet_tf.grid import BASELINE, Cell

MEASURES = {"icn": ("icn",), "irn": ("irn",), "both": ("icn", "irn")}
"""What can be measured -> the sides of a row that it fills."""

BRANCH_CHANNELS = 16
"""Only so many channels train as branches of one model: with more, a step is bound by arithmetic and
nothing is gained."""


def run(
    cells: Sequence[Cell],
    cache: Cache,
    budget: Budget,
    path: pathlib.Path,
    measure: str = "both",
    branches: int = 8,
    processes: int = 1,
    progress: Callable[[int, int, float], None] = lambda done, total, seconds: None,
) -> list[Cell]:
    """Measures the cells that a table does not have yet; each goes into the table when it is measured.

    A cell that fails is recorded with its error, and measured again by the next run.

    Args:
        cells: of a grid or a shard of one.
        cache: with every layer of the cells.
        budget: of every cell.
        path: of the table, which need not exist.
        measure: ``icn`` (utility), ``irn`` (privacy loss) or ``both``.
        branches: at most so many ICNs of one layer train as branches of one model.
        processes: measure side by side, each with a part of the cores; with 1, this process measures.
        progress: takes cells done, all cells and the expected seconds left, after each measurement.

    Returns:
        The cells that failed.

    Raises:
        InputError: before anything is trained, if the table is not ours, was made with other budgets or
            conditions, or the cache lacks what a cell asks for.
    """
    if measure not in MEASURES:
        raise InputError(f"measure must be one of {sorted(MEASURES)}. Received: {measure!r}")
    if branches < 1:
        raise InputError(f"branches must be at least 1. Received: {branches}")
    if processes < 1:
        raise InputError(f"processes must be at least 1. Received: {processes}")
    sides = MEASURES[measure]
    if sides == ("irn",):
        cells = [cell for cell in cells if cell.network != BASELINE]
    if not cells:
        raise InputError("there is no cell to measure")
    _check_cells(cells, cache)
    table = {tables.key(row): row for row in tables.read(path)}
    asked = [_new_row(cell, cache, budget, sides) for cell in cells]
    tables.check_conditions([*table.values(), *asked], str(path))

    sweep = _Sweep(cells, path, sides, table, progress, processes)
    tasks = list(_tasks(cells, sweep, branches))
    if processes == 1:
        for task in tasks:
            sweep.record(task, characterization.measure(task, *_arguments(cache, budget, sweep)))
    else:
        with process_pool.pool(processes) as pool:
            _measure_side_by_side(tasks, cache, budget, sweep, pool, processes)
    return sweep.failed()


class _Sweep:
    """The state of ``run``: the table so far, and how long what took."""

    def __init__(self, cells, path, sides, table, progress, processes):
        self.cells, self.path, self.sides, self.table = cells, path, sides, table
        self.progress, self.processes = progress, processes
        self.seconds = collections.defaultdict(list)
        self.attempted = set()

    def open_sides(self, cell: Cell) -> tuple[str, ...]:
        """The sides of a cell that are to be measured still."""
        row = self.table.get(tables.key(cell.columns()), {})
        sides = ("icn",) if cell.network == BASELINE else self.sides
        return tuple(side for side in sides if not tables.is_measured(row, side))

    def failed(self) -> list[Cell]:
        return [cell for cell in self.cells if self.open_sides(cell)]

    def record(self, task: Task, changes: Sequence[tables.Row]) -> None:
        """Takes what was measured into the table and tells of it."""
        taken = f"{task.side}_seconds"
        for cell, change in zip(task.cells, changes, strict=True):
            self.seconds[task.side, cell.num_layers].append(change[taken])
            self.attempted.add((task.side, cell))
        rounded = [change | {taken: round(change[taken], 3)} for change in changes]
        self.table = tables.update(self.path, rounded)
        self._tell()

    def _tell(self) -> None:
        """Expects each measurement to take what others of its side and layer took, or of its side."""
        left = [
            (side, cell)
            for cell in self.cells
            for side in self.open_sides(cell)
            if (side, cell) not in self.attempted
        ]
        seconds = 0.0
        for side, cell in left:
            taken = self.seconds.get((side, cell.num_layers)) or [
                value for (other, _), values in self.seconds.items() for value in values if other == side
            ]
            taken = taken or [value for values in self.seconds.values() for value in values]
            seconds += sum(taken) / len(taken)
        pending = {cell for _, cell in left}
        self.progress(len(self.cells) - len(pending), len(self.cells), seconds / self.processes)


def _arguments(cache: Cache, budget: Budget, sweep: _Sweep) -> tuple:
    """Those of ``characterization.measure`` after the task."""
    return cache, budget, list(sweep.table.values()), reconstructions.beside(sweep.path)


def _measure_side_by_side(
    tasks: Sequence[Task],
    cache: Cache,
    budget: Budget,
    sweep: _Sweep,
    pool: futures.Executor,
    processes: int,
) -> None:
    """Keeps each process at one task, so that a task starts with what the table has by then."""
    waiting, running = collections.deque(tasks), {}
    while waiting or running:
        while waiting and len(running) < processes:
            task = waiting.popleft()
            arguments = _arguments(cache, budget, sweep)
            running[pool.submit(characterization.measure, task, *arguments)] = task
        for done in futures.wait(running, return_when=futures.FIRST_COMPLETED).done:
            sweep.record(running.pop(done), done.result())


def _new_row(cell: Cell, cache: Cache, budget: Budget, sides: Sequence[str]) -> dict[str, object]:
    """What a cell's row will say of how it was made."""
    row = dict.fromkeys(column.name for column in tables.COLUMNS)
    row |= cell.columns() | cache.conditions(cell.network)
    for side in sides:
        row |= budget.columns(side)
    return row


def _tasks(cells: Sequence[Cell], sweep: _Sweep, branches: int) -> Iterator[Task]:
    """What is to be measured: the ICNs of a group together, then IRN after IRN."""
    for group in _groups([cell for cell in cells if sweep.open_sides(cell)], branches):
        utility = tuple(cell for cell in group if "icn" in sweep.open_sides(cell))
        if utility:
            yield Task("icn", utility)
        for cell in group:
            if "irn" in sweep.open_sides(cell):
                yield Task("irn", (cell,))


def _groups(cells: Sequence[Cell], branches: int) -> Iterator[list[Cell]]:
    """Cells whose ICNs may train together: same layer, training set and seed, as the data's order has."""
    together = collections.defaultdict(list)
    for cell in cells:
        layer = cell.network, cell.num_layers
        if cell.intermediate_channels:  # its channels are not those of the layer
            layer = cell.topology
        together[layer, cell.seed, cell.train_images, cell.augmented_copies].append(cell)
    for same in together.values():
        group = []
        for cell in same:
            channels = sum(len(other.channels) for other in group) + len(cell.channels)
            if group and (len(group) == branches or channels > BRANCH_CHANNELS):
                yield group
                group = []
            group.append(cell)
        yield group


def _check_cells(cells: Sequence[Cell], cache: Cache) -> None:
    for cell in cells:
        if cell.images != cache.train.made["images"]:
            raise InputError(f"the cache holds {cache.train.made['images']!r}, not {cell.images!r}")
        cache.train.rows(cell.train_images, cell.augmented_copies)

"""`studio dress`: pairs are queued, then dressed; interrupted work goes on where it was."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress as Bars
from rich.progress import TaskID

from studio.cli.console import ExitCode, bars, err, out, print_json, sentence, stop_on_interrupt
from studio.cli.project import JsonOption, ProjectOption, project_folder
from studio.cli.scenes import find_look
from studio.domain.artefacts import PhotoRole
from studio.domain.edits import HemStyle, LayerOrder
from studio.domain.errors import JobError, StudioError
from studio.domain.jsonable import encode
from studio.domain.keys import Json, Note
from studio.domain.recipe import DEFAULT_CHOICES, Recipe, StageChoice
from studio.jobs.outfits import take_as_model
from studio.jobs.run import EventKind, RunEvent
from studio.jobs.workspace import Workspace
from studio.jobs.worn import PARTS
from studio.library.records import Filter, JobState


class QueueView:
    """Draws a running queue: pairs done, the step at work, the time left; collects what failed."""

    def __init__(self, workspace: Workspace, shown: Bars, total: int) -> None:
        self._library = workspace.library
        self._shown = shown
        self._task: TaskID = shown.add_task("Dressing", total=total, stage="")
        self.looks: list[str] = []
        self.failed: list[tuple[str, StudioError]] = []

    def on_event(self, event: RunEvent) -> None:
        """Hear one event; called in worker threads."""
        if event.kind is EventKind.PROGRESS:
            left = "" if event.eta_s is None else f"  about {event.eta_s:.0f} s left"
            self._shown.update(self._task, stage=event.stage + left)
        elif event.kind is EventKind.SUCCEEDED:
            self.looks.append(event.look_id)
            self._shown.advance(self._task)
        elif event.kind is EventKind.FAILED and event.error is not None:
            pair = self._library.jobs([event.job_id])[0]
            names = [photo.name for photo in self._library.photos([pair.model_id, pair.garment_id])]
            self.failed.append((" + ".join(names), event.error))
            self._shown.advance(self._task)


def parse_choices(pairs: list[str]) -> Recipe:
    """Return the recipe of `stage=implementation` texts.

    Raises:
        typer.BadParameter: an unknown stage, or no "=" in it.
    """
    choices: dict[str, StageChoice] = {}
    for text in pairs:
        stage, _, implementation = text.partition("=")
        if stage.removeprefix("garment.") not in DEFAULT_CHOICES or not implementation:
            raise typer.BadParameter(f"{text}: write STAGE=NAME; stages are {', '.join(DEFAULT_CHOICES)}")
        choices[stage] = StageChoice(implementation)
    return Recipe("Standard" if not choices else "Command line", choices)


def worn_so(recipe: Recipe, order: LayerOrder) -> Recipe:
    """Return a recipe by which garments are worn in this order; itself where nothing is said."""
    if order == LayerOrder():
        return recipe
    engine = recipe.choice("tryon")
    choice = StageChoice(engine.implementation, {**engine.params, "layers": encode(order)})
    return Recipe("Command line", {**recipe.choices, "tryon": choice})


def _parts(named: list[str] | None) -> tuple[str, ...]:
    unknown = [part for part in named or [] if part not in PARTS]
    if unknown:
        raise typer.BadParameter(f"{', '.join(unknown)}: parts are {', '.join(PARTS)}")
    return tuple(named or [])


def run_queue(workspace: Workspace, *, quiet: bool) -> QueueView:
    """Dress what is queued, drawing progress; Ctrl-C stops cleanly between steps."""
    counts = workspace.library.job_counts()
    token = threading.Event()
    with stop_on_interrupt(token), bars(quiet=quiet) as shown:
        waiting = sum(count for state, count in counts.items() if not state.is_over)
        view = QueueView(workspace, shown, waiting)
        workspace.run_queue(view.on_event, token)
    return view


def report(workspace: Workspace, view: QueueView, problems: list[StudioError], *, as_json: bool) -> int:
    """Say what came of a batch and return the exit code."""
    rows = workspace.library.looks(view.looks)
    if as_json:
        looks: list[Json] = [
            {
                "id": row.id,
                "name": row.name,
                "confidence": row.confidence.score,
                "reasons": [sentence(note) for note in row.confidence.reasons],
                "seconds": round(row.duration_s, 3),
            }
            for row in rows
        ]
        failed: list[Json] = [{"pair": pair, "error": error.key, "why": sentence(error)} for pair, error in view.failed]
        print_json({"looks": looks, "failed": failed, "problems": [sentence(problem) for problem in problems]})
    else:
        for row in rows:
            doubts = "; ".join(sentence(note) for note in row.confidence.reasons)
            out.print(f"{row.id}  {row.name}  {row.confidence.score:.0%}" + (f"  ({doubts})" if doubts else ""))
        for pair, error in view.failed:
            err.print(f"{pair}: {sentence(error)}")
        for problem in problems:
            err.print(sentence(problem))
        out.print(f"{len(rows)} dressed, {len(view.failed)} failed.")
    return ExitCode.SOME_FAILED if view.failed or problems else ExitCode.OK


def dress_further(workspace: Workspace, looks: list[str], garments: list[str]) -> list[tuple[str, str]]:
    """Return pairs of looks, taken as models, and garments.

    Raises:
        typer.BadParameter: only one of both is given.
        JobError: there is no such look or garment, or the look may not be taken further.
    """
    if not looks or not garments:
        raise typer.BadParameter("--over LOOK and --garment NAME belong together")
    worn = [find_garment(workspace, name) for name in garments]
    models = [take_as_model(workspace, find_look(workspace.library, look).id) for look in looks]
    return [(model, one) for model in models for one in worn]


def find_garment(workspace: Workspace, wanted: str) -> str:
    """Return the id of a garment named by id, file name or file name without its ending.

    Raises:
        JobError: there is none, or more than one.
    """
    library = workspace.library
    rows = library.photos(library.photo_ids(Filter(role=PhotoRole.GARMENT)))
    found = [row.id for row in rows if wanted in (row.id, row.name, Path(row.name).stem)]
    if len(found) != 1:
        raise JobError("cli.garment_unknown", name=wanted, known=", ".join(row.name for row in rows) or "–")
    return found[0]


def dress(
    project: ProjectOption = None,
    pairs: Annotated[
        Path | None, typer.Option("--pairs", help="A list: 'model.jpg garment.jpg' on each line, or a CSV.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every model in every garment.")] = False,
    again: Annotated[bool, typer.Option("--stale", help="Looks whose inputs were corrected since.")] = False,
    retry: Annotated[bool, typer.Option("--retry", help="Also pairs that failed before.")] = False,
    use: Annotated[
        list[str] | None, typer.Option("--use", help="STAGE=NAME: another implementation; repeatable.")
    ] = None,
    hem: Annotated[HemStyle, typer.Option(help="How tops end at the waist.")] = HemStyle.AUTO,
    in_front: Annotated[
        list[str] | None, typer.Option("--in-front", help=f"A part that lies in front: {', '.join(PARTS)}; repeatable.")
    ] = None,
    behind: Annotated[
        list[str] | None, typer.Option("--behind", help="A part that the garment covers; repeatable.")
    ] = None,
    over: Annotated[
        list[str] | None, typer.Option("--over", help="A look that is dressed further, in --garment; repeatable.")
    ] = None,
    garment: Annotated[
        list[str] | None, typer.Option("--garment", help="A garment's name, for --over; repeatable.")
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Dress models in garments. Without --pairs, --all or --stale: go on with what is still queued."""
    recipe = worn_so(parse_choices(use or []), LayerOrder(hem, _parts(in_front), _parts(behind)))
    problems: list[StudioError] = []
    with Workspace.open(project_folder(project)) as workspace:
        library = workspace.library
        workspace.queue.resume()
        if retry:
            workspace.queue.retry(library.job_ids([JobState.FAILED]))
        if pairs is not None:
            listed = workspace.read_pairs(pairs)
            problems.extend(listed.problems)
            workspace.queue_pairs(listed.pairs, recipe)
        if every:
            models = library.photo_ids(Filter(role=PhotoRole.MODEL))
            workspace.queue_all(models, library.photo_ids(Filter(role=PhotoRole.GARMENT)), recipe)
        if again:
            workspace.redress()
        if over or garment:
            workspace.queue_pairs(dress_further(workspace, over or [], garment or []), recipe)
        view = run_queue(workspace, quiet=as_json)
        if not (view.looks or view.failed or problems) and not as_json:
            out.print(sentence(Note("cli.nothing_queued")))
        return report(workspace, view, problems, as_json=as_json)

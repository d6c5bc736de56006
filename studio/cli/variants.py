"""`studio variants`: a garment in another category, sketched by StarGAN v2."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from studio.cli.console import err, out, progress_bar, sentence
from studio.domain.artefacts import Cutout
from studio.domain.errors import ModelError
from studio.domain.keys import Note
from studio.domain.progress import Progress
from studio.domain.recipe import Recipe


def variants(
    garment: Annotated[Path, typer.Argument(help="A photo of a garment.")],
    domain: Annotated[int, typer.Option("--domain", min=0, help="The category's number in the checkpoint.")],
    count: Annotated[int, typer.Option("--count", min=1, max=64, help="How many styles are drawn.")] = 4,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="The first style's number; equal seeds, equal styles.")
    ] = 0,
    reference: Annotated[
        Path | None, typer.Option("--reference", help="A garment whose style is taken instead of drawn ones.")
    ] = None,
    to: Annotated[Path, typer.Option("--out", "-o", help="The folder for the sketches.")] = Path("variants"),
) -> None:
    """Sketch a garment in another category with a StarGAN v2 checkpoint that you have taken in."""
    from studio.media.encode import write_image
    from studio.media.safe_io import ensure_folder
    from studio.models.provider import LocalModels
    from studio.pipeline.stage import StageContext
    from studio.pipeline.variants import GENERATOR, draw_variants, unavailable

    provider = LocalModels()
    missing = unavailable(provider, by_reference=reference is not None)
    if missing is not None:
        raise ModelError(missing.key, **missing.values)
    notes: list[Note] = []
    with progress_bar("Sketching") as progress:
        product = _cut_out(garment, provider, progress.part(0.0, 0.3))
        example = None if reference is None else _cut_out(reference, provider, progress.part(0.3, 0.2))
        ctx = StageContext(provider, progress.part(0.5, 0.5), notes)
        made = draw_variants(product, domain, range(seed, seed + count), ctx, garment.name, reference=example)
    ensure_folder(to)
    for number, picture in enumerate(made, seed):
        name = (
            f"{garment.stem}-domain{domain}-{number}.png"
            if reference is None
            else f"{garment.stem}-{reference.stem}.png"
        )
        write_image(to / name, picture)
        out.print(str(to / name))
    for note in notes:
        err.print(sentence(note))
    use = provider.use(GENERATOR)
    if not use.commercial:
        err.print(sentence(Note("variants.licence", {"licence": use.licence})))


def _cut_out(file: Path, provider: object, progress: Progress) -> Cutout:
    """Return a garment's cutout by the embedded stages."""
    import hashlib
    from typing import cast

    from studio.domain.artefacts import Photo
    from studio.media.decode import open_photo
    from studio.pipeline.cache import MemoryStore
    from studio.pipeline.graph import GraphBuilder, PhotoSpec
    from studio.pipeline.runner import Runner
    from studio.pipeline.stage import ModelProvider

    class OneFile:
        def load(self, sha256: str) -> Photo:
            return open_photo(file)

    models = cast(ModelProvider, provider)
    spec = PhotoSpec(hashlib.sha256(file.read_bytes()).hexdigest(), file.name)
    node = GraphBuilder(Recipe(), models).garment(spec)["edges"]
    return cast(Cutout, Runner(MemoryStore(), OneFile(), models).get(node, progress))

"""Time and memory of garment analysis, `drape` and the native blend, on the drawn person: no photographs needed.

Run from the project's root: python benchmarks/bench_tryon.py [repeats]
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from studio.domain.artefacts import GarmentArtefacts, PersonArtefacts, TryOn
from studio.domain.edits import LayerOrder
from studio.pipeline.blend import blend_look
from studio.pipeline.garment import analyse_garment
from studio.pipeline.tryon.drape import DRAPE
from tests.pipeline.tryon_figures import TEE, context, draw_garment, draw_person, dressed_garment

BUDGET_GARMENT_S, BUDGET_DRESS_S, BUDGET_EXTRA_MB = 0.8, 1.0, 2048


def best_of(repeats: int, work: Callable[[], object]) -> float:
    """Return the shortest wall time: the neighbours' noise only ever adds."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def dress(person: PersonArtefacts, garment: GarmentArtefacts) -> TryOn:
    """Dress once."""
    return DRAPE.dress(person, garment, context(), layers=LayerOrder())


def peak_mb() -> float:
    """Return the process's peak memory so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Print one line per measurement."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    photo, cutout = draw_garment(TEE, size=(768, 1024))
    garment_s = best_of(repeats, lambda: analyse_garment(photo, cutout))
    print(f"garment analysis, 768x1024: {garment_s:.2f} s (budget {BUDGET_GARMENT_S})")
    worn = dressed_garment(TEE)
    for factor, megapixels in ((2, 0.8), (11, 23.8)):
        person = draw_person(factor=factor)
        before = peak_mb()
        dress_s = best_of(repeats if factor == 2 else 1, lambda who=person: dress(who, worn))
        tryon = dress(person, worn) if factor == 2 else None
        blend_s = best_of(1, lambda who=person, made=tryon: blend_look(who.photo, who.cutout, made or dress(who, worn)))
        print(
            f"dress, {megapixels} MP: {dress_s:.2f} s (budget {BUDGET_DRESS_S} at 0.8 MP);"
            f" blend{'' if tryon else ' with dress'} {blend_s:.2f} s;"
            f" peak memory +{peak_mb() - before:.0f} MB (budget {BUDGET_EXTRA_MB})"
        )


if __name__ == "__main__":
    main()

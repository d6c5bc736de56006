"""Jobs as rows: a job is a row before it is a thread. And how long stages took, for estimates."""

from __future__ import annotations

import json
from collections.abc import Sequence
from statistics import median

from studio.domain.errors import StudioError
from studio.domain.keys import Note
from studio.domain.recipe import Recipe
from studio.library.clock import new_id, now
from studio.library.connection import Row
from studio.library.looks import from_text, to_text
from studio.library.records import Changes, JobRow, JobState, StageTiming
from studio.library.section import Section

_JOBS = "SELECT job.*, model_id, garment_id FROM job JOIN pair ON pair.id = job.pair_id WHERE job.id IN (%s)"
_HALTED = (JobState.PAUSED.value, JobState.INTERRUPTED.value)
_KEPT_TIMINGS = 40
"""Per stage and implementation: enough for a steady median, few enough to follow a change of machine."""


class Jobs(Section):
    """The queue's rows. What they mean together is the business of `studio.jobs`."""

    def add_jobs(self, pair_ids: Sequence[str], recipe: Recipe, *, behind_running: bool = False) -> Changes:
        """Queue pairs behind what is queued already; a pair that waits with this recipe is not queued twice.

        A job that was paused or interrupted goes on: who asks for its pair wants it dressed. A pair that is being
        dressed is queued once more only with `behind_running`, for corrections made meanwhile.
        `created` holds the ids of the jobs that wait now because of this call.
        """
        batch_id, body, ids = new_id(), to_text(recipe), list[str]()
        blocking = (JobState.QUEUED.value, JobState.QUEUED.value if behind_running else JobState.RUNNING.value)
        with self._writing() as db:
            last = db.conn.execute("SELECT coalesce(max(position), 0) FROM job").fetchone()[0]
            for number, pair_id in enumerate(pair_ids, start=1):
                same = "pair_id = ? AND recipe = ? AND state IN (?, ?)"
                if db.conn.execute(f"SELECT 1 FROM job WHERE {same}", (pair_id, body, *blocking)).fetchone():
                    continue
                halted = db.conn.execute(
                    f"SELECT id FROM job WHERE {same} ORDER BY position LIMIT 1", (pair_id, body, *_HALTED)
                ).fetchone()
                if halted:
                    ids.append(str(halted[0]))
                    db.conn.execute("UPDATE job SET state = ? WHERE id = ?", (JobState.QUEUED.value, ids[-1]))
                    continue
                ids.append(new_id())
                db.conn.execute(
                    "INSERT INTO job (id, batch_id, pair_id, recipe, state, position, created_at)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (ids[-1], batch_id, pair_id, body, JobState.QUEUED.value, last + number, now()),
                )
            told = Changes(jobs=frozenset(ids), pairs=frozenset(pair_ids), created=tuple(ids))
            return self._tell(told)

    def job_ids(self, states: Sequence[JobState] = (), batch_id: str = "") -> list[str]:
        """Return jobs in the order they run; `states` empty = all."""
        marks = ", ".join("?" * len(states))
        where = f"state IN ({marks})" if states else "1"
        return self._sql.column(
            f"SELECT id FROM job WHERE {where} AND (? = '' OR batch_id = ?) ORDER BY position, id",
            (*(state.value for state in states), batch_id, batch_id),
        )

    def jobs(self, ids: Sequence[str]) -> list[JobRow]:
        """Return these jobs, in the order asked for."""
        found = {row["id"]: _job_row(row) for row in self._in_chunks(_JOBS, ids)}
        return [found[job_id] for job_id in ids if job_id in found]

    def job_counts(self) -> dict[JobState, int]:
        """Return how many jobs are in each state."""
        rows = self._sql.rows("SELECT state, count(*) AS jobs FROM job GROUP BY state")
        found = {JobState(row["state"]): row["jobs"] for row in rows}
        return {state: found.get(state, 0) for state in JobState}

    def start_job(self, job_id: str) -> bool:
        """Mark a queued job as running; False when somebody paused, cancelled or took it meanwhile."""
        with self._writing() as db:
            done = db.conn.execute(
                "UPDATE job SET state = 'running', attempts = attempts + 1, started_at = ?, finished_at = '',"
                " stage = '', error_key = '', error_values = '{}' WHERE id = ? AND state = 'queued'",
                (now(), job_id),
            )
            if done.rowcount:
                self._tell(self._touched([job_id]))
            return bool(done.rowcount)

    def finish_job(
        self, job_id: str, state: JobState, *, look_id: str = "", error: StudioError | None = None, stage: str = ""
    ) -> Changes:
        """Write down how a job ended."""
        key, values = ("", {}) if error is None else (error.key, error.values)
        with self._writing() as db:
            db.conn.execute(
                "UPDATE job SET state = ?, look_id = ?, error_key = ?, error_values = ?, stage = ?, finished_at = ?"
                " WHERE id = ?",
                (state.value, look_id or None, key, json.dumps(values, ensure_ascii=False), stage, now(), job_id),
            )
            return self._tell(self._touched([job_id]))

    def move_to_state(self, ids: Sequence[str], state: JobState, only: Sequence[JobState]) -> Changes:
        """Set the state of those jobs that are in one of the states `only`; `created` holds their ids."""
        touched: list[str] = []
        marks = ", ".join("?" * len(only))
        with self._writing() as db:
            for job_id in ids:
                done = db.conn.execute(
                    f"UPDATE job SET state = ? WHERE id = ? AND state IN ({marks})",
                    (state.value, job_id, *(allowed.value for allowed in only)),
                )
                if done.rowcount:
                    touched.append(job_id)
            return self._tell(self._touched(touched))

    def interrupt_running(self) -> Changes:
        """At the start: what is "running" was cut off by a crash or a closed window."""
        return self.move_to_state(self.job_ids([JobState.RUNNING]), JobState.INTERRUPTED, [JobState.RUNNING])

    def move_jobs(self, ids: Sequence[str], before_id: str = "") -> Changes:
        """Put jobs, in the order given, before another one; without one, behind all others."""
        with self._writing() as db:
            order = [job_id for job_id in self.job_ids() if job_id not in set(ids)]
            at = order.index(before_id) if before_id in order else len(order)
            order[at:at] = list(ids)
            for position, job_id in enumerate(order, start=1):
                db.conn.execute("UPDATE job SET position = ? WHERE id = ?", (position, job_id))
            return self._tell(self._touched(ids))

    def forget_jobs(self, ids: Sequence[str]) -> Changes:
        """Clear jobs that are over from the list; their looks stay."""
        with self._writing() as db:
            told = self._touched(ids)
            for job_id in ids:
                db.conn.execute(
                    "DELETE FROM job WHERE id = ? AND state IN ('succeeded', 'failed', 'cancelled')", (job_id,)
                )
            return self._tell(told)

    def _touched(self, ids: Sequence[str]) -> Changes:
        pairs = (row["pair_id"] for row in self._in_chunks("SELECT pair_id FROM job WHERE id IN (%s)", ids))
        return Changes(jobs=frozenset(ids), pairs=frozenset(pairs), created=tuple(ids))

    def add_timings(self, timings: Sequence[StageTiming]) -> None:
        """Remember how long stages took; only the latest of each are kept."""
        with self._writing() as db:
            for timing in timings:
                db.conn.execute(
                    "INSERT INTO stage_timing (stage, implementation, seconds, megapixels, measured_at)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (timing.stage, timing.implementation, timing.seconds, timing.megapixels, now()),
                )
                db.conn.execute(
                    "DELETE FROM stage_timing WHERE stage = ?1 AND implementation = ?2 AND id NOT IN"
                    " (SELECT id FROM stage_timing WHERE stage = ?1 AND implementation = ?2 ORDER BY id DESC LIMIT ?3)",
                    (timing.stage, timing.implementation, _KEPT_TIMINGS),
                )

    def typical_seconds(self) -> dict[tuple[str, str], float]:
        """Return the median duration by (stage, implementation), from this project's own history."""
        found: dict[tuple[str, str], list[float]] = {}
        for row in self._sql.rows("SELECT stage, implementation, seconds FROM stage_timing"):
            found.setdefault((row["stage"], row["implementation"]), []).append(row["seconds"])
        return {step: median(seconds) for step, seconds in found.items()}


def _job_row(row: Row) -> JobRow:
    return JobRow(
        id=row["id"],
        batch_id=row["batch_id"],
        pair_id=row["pair_id"],
        model_id=row["model_id"],
        garment_id=row["garment_id"],
        recipe=from_text(Recipe, row["recipe"]),
        state=JobState(row["state"]),
        position=row["position"],
        attempts=row["attempts"],
        stage=row["stage"],
        error=Note(row["error_key"], json.loads(row["error_values"])) if row["error_key"] else None,
        look_id=row["look_id"] or "",
        created_at=row["created_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
    )

"""Filters and orders as SQL: one place that knows how a list is narrowed and sorted."""

from __future__ import annotations

from dataclasses import dataclass, field

from studio.library.records import Filter, Kind, Order

_ORDERS = {
    Order.NAME: "sort_name, id",
    Order.NEWEST: "{time} DESC, id DESC",
    Order.OLDEST: "{time}, id",
    Order.RATING: "rating DESC, sort_name, id",
}
_TIME = {Kind.PHOTO: "imported_at", Kind.LOOK: "created_at", Kind.SCENE: "changed_at"}


@dataclass(slots=True)
class _Where:
    parts: list[str] = field(default_factory=list)
    values: list[str | int] = field(default_factory=list)

    def add(self, part: str, *values: str | int) -> None:
        self.parts.append(part)
        self.values.extend(values)

    def add_any(self, column: str, values: frozenset[str]) -> None:
        if values:
            self.add(f"{column} IN ({', '.join('?' * len(values))})", *sorted(values))


def select_ids(kind: Kind, wanted: Filter, order: Order) -> tuple[str, list[str | int]]:
    """Return the query, and its values, that lists the ids of one kind."""
    where = _Where()
    if kind is Kind.PHOTO and wanted.role is not None:
        where.add("role = ?", wanted.role.value)
    if kind is Kind.LOOK and wanted.current_only:
        where.add("current = 1")
    where.add("trashed_at <> ''" if wanted.in_trash else "trashed_at = ''")
    _add_marks(where, kind, wanted)
    if kind is Kind.LOOK:
        _add_look(where, wanted)
    if kind is Kind.PHOTO and wanted.missing_only:
        where.add("missing = 1")
    sorting = _ORDERS[order].format(time=_TIME[kind])
    return f"SELECT id FROM {kind} WHERE {' AND '.join(where.parts)} ORDER BY {sorting}", where.values


def _add_marks(where: _Where, kind: Kind, wanted: Filter) -> None:
    if wanted.min_rating:
        where.add("rating >= ?", wanted.min_rating)
    where.add_any("flag", frozenset(flag.value for flag in wanted.flags))
    where.add_any("label", frozenset(label.value for label in wanted.labels))
    for tag in sorted(wanted.tags):
        where.add(f"id IN (SELECT {kind}_id FROM {kind}_tag WHERE tag = ?)", tag)
    if wanted.collection_id:
        where.add(f"id IN (SELECT {kind}_id FROM {kind}_member WHERE collection_id = ?)", wanted.collection_id)
    if wanted.text:
        # `instr` on the folded name: LIKE folds ASCII only, and would need its wildcards escaped.
        text = wanted.text.casefold()
        tagged = f"id IN (SELECT {kind}_id FROM {kind}_tag WHERE instr(lower(tag), ?))"
        where.add(f"(instr(folded_name, ?) OR {tagged})", text, text)


def _add_look(where: _Where, wanted: Filter) -> None:
    where.add_any("state", frozenset(state.value for state in wanted.states))
    if wanted.model_id:
        where.add("pair_id IN (SELECT id FROM pair WHERE model_id = ?)", wanted.model_id)
    if wanted.garment_id:
        where.add("pair_id IN (SELECT id FROM pair WHERE garment_id = ?)", wanted.garment_id)

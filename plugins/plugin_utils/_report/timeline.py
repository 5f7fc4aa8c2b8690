# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When it happened, as inline SVG: a histogram of the fleet, under it a heat map of hosts by time. Both end now. What a
host could not see is hatched: it is never shown as zero.
"""

from __future__ import annotations

import typing as t

from . import words
from .columns import KillRow
from .fleet import is_counted, urgency
from .host import Json
from .markup import Html, join, scrolling, tag

#: of every host
Kills = t.Sequence[KillRow]

_HOUR, _DAY = 3600, 86400
_STEPS = (
    60,
    300,
    900,
    _HOUR,
    3 * _HOUR,
    6 * _HOUR,
    12 * _HOUR,
    _DAY,
    7 * _DAY,
    28 * _DAY,
    91 * _DAY,
    365 * _DAY,
    3650 * _DAY,
)
_WINDOWS = (_HOUR, 6 * _HOUR, _DAY, 3 * _DAY, 7 * _DAY, 14 * _DAY, 30 * _DAY, 90 * _DAY, 400 * _DAY)
#: the window shows at least this share of all kills; the older rest is named below it
_SHARE = 0.9
#: a host's clock may be that much ahead of ours
_AHEAD = 600
_MOST_BINS, _MOST_TICKS, _MOST_LANES = 72, 8, 30
#: cells of the heat map have one colour for 1 kill, 2 to 3, 4 to 7, 8 to 15, and more
_DARKEST = 5
_LEFT, _WIDTH, _RIGHT = 190, 1200, 20
_TOP, _BARS, _AXIS, _LANE = 18, 110, 22, 20
_SCALE = _WIDTH - _LEFT - _RIGHT


class Mark(t.NamedTuple):
    """An event on the time axis: kind is kill, disputed or unresolved."""

    time: float
    host: str
    kind: str


#: piece of the axis -> kind -> how many
Bins = t.Dict[int, t.Dict[str, int]]


class Window(t.NamedTuple):
    start: float
    end: float
    step: int

    def bins(self) -> int:
        return int((self.end - self.start) // self.step)

    def bin(self, when: float) -> int:
        """The piece of the axis in which a moment lies."""
        return int((min(when, self.end - 1) - self.start) // self.step)

    def width(self) -> float:
        """Of the bar of one piece."""
        return max(round(self.x(self.start + self.step) - _LEFT - 1, 1), 1.5)

    def x(self, when: float) -> float:
        share = (when - self.start) / (self.end - self.start)
        return round(_LEFT + _SCALE * min(max(share, 0.0), 1.0), 1)


def marks(report: Json, kills: Kills) -> list[Mark]:
    """Every event that has a time, oldest first."""
    found = [
        Mark(kill["time"], name, "kill" if is_counted(kill) else "disputed")
        for name, kill, counts, _unit in kills
        if counts and kill["time"] is not None
    ]
    for name, entry in report["hosts"].items():
        for event in entry["oom"]["unresolved"] if entry["oom"] else ():
            if event["time"] is not None:
                found.append(Mark(event["time"], name, "unresolved" if is_counted(event) else "disputed"))
    return sorted(found)


def window(found: t.Sequence[Mark], now: float, asked: float | None = None) -> Window:
    """Up to now, so that quiet days at the end are seen: the time that was asked for, else the shortest usual one with
    nearly all events.
    """
    needed = found[int(len(found) * (1 - _SHARE))].time
    span = next((size for size in _WINDOWS if now - needed <= size), now - found[0].time)
    if asked is not None and now - _WINDOWS[-1] <= asked < now:
        span = max(now - asked, _HOUR)
    step = next((size for size in _STEPS if span / size <= _MOST_BINS), _STEPS[-1])
    start = (now - span) // step * step
    return Window(start, (now // step + 1) * step, step)


def _label(when: float, step: int) -> str:
    moment = words.date(when)
    if step >= 365 * _DAY:
        return moment.strftime("%Y")
    if step >= 28 * _DAY:
        return moment.strftime("%Y-%m")
    return moment.strftime("%Y-%m-%d" if step >= _DAY else "%m-%d %H:%M")


def _ticks(view: Window, height: int) -> t.Iterator[Html]:
    span = view.end - view.start
    step = next((size for size in _STEPS if span / size <= _MOST_TICKS), _STEPS[-1])
    when = (view.start // step + 1) * step
    while when < view.end:
        x = view.x(when)
        yield tag("line", x1=x, x2=x, y1=_TOP, y2=height, class_="grid")
        yield tag("text", _label(when, step), x=x, y=_TOP + _BARS + 15, class_="tick")
        when += step


def _counts(view: Window, shown: t.Iterable[Mark]) -> Bins:
    """What happened in each piece of the axis."""
    bins: Bins = {}
    for mark in shown:
        kinds = bins.setdefault(view.bin(mark.time), {})
        kinds[mark.kind] = kinds.get(mark.kind, 0) + 1
    return bins


def _told(view: Window, index: int, kinds: t.Mapping[str, int]) -> str:
    begin = view.start + index * view.step
    said = ", ".join(f"{count:,} {_NOUN[kind]}" for kind, count in sorted(kinds.items()))
    return f"{words.utc_minute(begin)} to {words.utc_minute(begin + view.step)}: {said}"


def _bars(view: Window, shown: t.Sequence[Mark]) -> t.Iterator[Html]:
    bins = _counts(view, shown)
    tallest = max(sum(kinds.values()) for kinds in bins.values())
    yield tag("text", f"{tallest:,}", x=_LEFT - 8, y=_TOP + 10, class_="scale")
    yield tag("text", "0", x=_LEFT - 8, y=_TOP + _BARS, class_="scale")
    for index in sorted(bins):
        y = float(_TOP + _BARS)
        drawn = []
        for kind in ("kill", "disputed", "unresolved"):
            count = bins[index].get(kind, 0)
            if count:
                size = max(_BARS * count / tallest, 2.0)
                y -= size
                drawn.append(
                    tag(
                        "rect",
                        x=view.x(view.start + index * view.step),
                        y=round(max(y, _TOP - 8), 1),
                        width=view.width(),
                        height=round(size, 1),
                        class_="m-" + kind,
                    )
                )
        yield tag("g", tag("title", _told(view, index, bins[index])), *drawn, data_bin=index)


_NOUN = {"kill": "killed", "disputed": "disputed", "unresolved": "without a known victim"}


def _now(view: Window, height: int) -> t.Iterator[Html]:
    """The end of the bar that is not over yet: a minute later the figure is the same."""
    x = view.x(view.end)
    yield tag("line", x1=x, x2=x, y1=_TOP - 4, y2=height, class_="now")
    yield tag("text", "now", tag("title", "when this report was made"), x=x, y=_TOP - 6, class_="tick")


def _blind(view: Window, since: float | None, end: float | None) -> set[int]:
    """The pieces of the axis of which a host cannot speak, whole or in part; the one that is not over is seen."""
    every = range(view.bins())
    if since is None:
        return set(every)
    late = view.bins() if end is None else view.bin(end + _AHEAD)  # to ask all of a fleet takes its time
    return {index for index in every if view.start + index * view.step < since or late < index}


def _end(entry: Json) -> float | None:
    """When the host was asked, or until when it was asked to tell."""
    return min((when for when in (entry["gathered_at"], entry["window"]["until"]) if when is not None), default=None)


def _blindness(name: str, entry: Json, view: Window) -> str:
    """Why pieces are hatched."""
    since, end = entry["since"], _end(entry)
    said = []
    if since is None:
        said.append("does not say how far back it sees")
    elif since > view.start:
        said.append(f"sees nothing before {words.utc_minute(since)}")
    if end is not None and view.bin(end + _AHEAD) < view.bins() - 1:
        until = end == entry["window"]["until"]
        asked = f"was asked for kills until {words.utc_minute(end)} only"
        said.append(asked if until else f"was asked at {words.utc_minute(end)}, and not since")
    return f"{name} {' and '.join(said)}"


def _runs(indices: t.Iterable[int]) -> t.Iterator[tuple[int, int]]:
    """First and last of each run of numbers that follow each other."""
    first = last = None
    for index in sorted(indices):
        if last is not None and index == last + 1:
            last = index
            continue
        if first is not None and last is not None:
            yield first, last
        first = last = index
    if first is not None and last is not None:
        yield first, last


def _level(kinds: t.Mapping[str, int]) -> str:
    """The class of a cell: what is certain decides; twice as many is one step darker."""
    if kinds.get("unresolved"):
        return "m-unresolved"
    sure = kinds.get("kill", 0)
    return f"heat{min(sure.bit_length(), _DARKEST)}" if sure else "m-disputed"


def _row(view: Window, y: int, label: Html, bins: Bins, dark: set[int], why: str) -> Html:
    """One row of the heat map: a cell for each piece, hatched ones as one line."""
    middle = y + _LANE / 2

    def spans(indices: t.Iterable[int], class_: str, title: str) -> t.Iterator[Html]:
        for first, last in _runs(indices):
            left, right = view.x(view.start + first * view.step), view.x(view.start + (last + 1) * view.step)
            line = tag("line", x1=left, x2=round(right - 1, 1), y1=middle, y2=middle, class_=class_)
            yield tag("g", tag("title", title), line)

    quiet = set(range(view.bins())) - dark - set(bins)
    parts = [label, *spans(quiet, "zero", "none"), *spans(dark - set(bins), "unseen", why)]
    width = view.width()
    for index, kinds in sorted(bins.items()):
        x = view.x(view.start + index * view.step)
        cell = tag("path", d=f"M{x} {y + 2}h{width}v{_LANE - 4}h-{width}z", class_=_level(kinds))
        parts.append(tag("g", tag("title", _told(view, index, kinds)), cell, data_bin=index))
    return join(parts)


def _host_row(view: Window, y: int, name: str, entry: Json, shown: t.Sequence[Mark]) -> Html:
    short = name if len(name) <= 26 else name[:23] + "..."
    label = tag("text", short, tag("title", name), x=_LEFT - 8, y=y + 14, class_="lane")
    dark = _blind(view, entry["since"], _end(entry))
    inner = _row(view, y, label, _counts(view, shown), dark, _blindness(name, entry, view))
    return tag("g", inner, data_host=name)


def _rest(view: Window, y: int, which: str, entries: t.Sequence[Json], shown: t.Sequence[Mark]) -> Html:
    """All other hosts of a kind as one row."""
    blind = [0] * view.bins()
    for entry in entries:
        for index in _blind(view, entry["since"], _end(entry)):
            blind[index] += 1
    dark = {index for index, count in enumerate(blind) if count}
    label = tag("text", f"{words.some(len(entries), 'host')} {which}", x=_LEFT - 8, y=y + 14, class_="lane")
    why = f"no kill told, but up to {max(blind):,} of {len(entries):,} hosts could not see this"
    return _row(view, y, label, _counts(view, shown), dark, why)


def draw(report: Json, kills: Kills) -> Html:
    """The figure, or a sentence where no event has a time."""
    every = marks(report, kills)
    if not every:
        return tag("p", _nothing(report, kills), class_="muted")
    now = report["generated_at"]
    found = [mark for mark in every if mark.time <= now + _AHEAD]
    later = len(every) - len(found)
    if not found:
        return tag("p", _later(later), class_="muted")
    view = window(found, max(now, found[-1].time), report["fleet"]["window"]["since"])
    shown = [mark for mark in found if mark.time >= view.start]
    of_host = {}  # type: dict[str, list[Mark]]
    for mark in shown:
        of_host.setdefault(mark.host, []).append(mark)
    lanes = [item for item in sorted(report["hosts"].items(), key=urgency) if item[0] in of_host]
    lanes.sort(key=lambda item: -len(of_host[item[0]]))
    drawn = dict(lanes[:_MOST_LANES])
    rest: dict[str, dict[str, Json]] = {"more": {}, "not known": {}}
    for name, entry in report["hosts"].items():
        if name not in drawn:
            rest["more" if entry["state"] == "ok" else "not known"][name] = entry
    height = _TOP + _BARS + _AXIS + _LANE * (len(drawn) + sum(map(bool, rest.values()))) + 4
    parts = [tag("title", f"{len(shown):,} events from {words.utc_minute(view.start)} to {words.utc_minute(view.end)}")]
    parts.extend(_ticks(view, height))
    parts.append(tag("line", x1=_LEFT, x2=_LEFT + _SCALE, y1=_TOP + _BARS, y2=_TOP + _BARS, class_="axis"))
    parts.extend(_bars(view, shown))
    y = _TOP + _BARS + _AXIS
    for name, entry in drawn.items():
        parts.append(_host_row(view, y, name, entry, of_host[name]))
        y += _LANE
    for which, entries in rest.items():
        if entries:
            parts.append(
                _rest(view, y, which, list(entries.values()), [mark for mark in shown if mark.host in entries])
            )
            y += _LANE
    parts.extend(_now(view, height))
    svg = tag(
        "svg",
        join(parts),
        viewBox=f"0 0 {_WIDTH} {height}",
        role="img",
        class_="timeline",
        data_start=int(view.start),
        data_step=view.step,
    )
    return join([scrolling("Events by time", svg), _notes(kills, found, shown, later)])


def _nothing(report: Json, kills: Kills) -> str:
    """Why there is no figure."""
    if kills or any(entry["oom"] and entry["oom"]["unresolved"] for entry in report["hosts"].values()):
        return "No event with a known time."
    return words.no_kills(report)


def _later(count: int) -> str:
    return f"{words.some(count, 'event')} with a time after this report was made not drawn." if count else ""


def _notes(kills: Kills, found: t.Sequence[Mark], shown: t.Sequence[Mark], later: int) -> Html:
    key = [
        tag("span", tag("i", class_="k-" + kind), " " + text, class_="key")
        for kind, text in (
            ("kill", "killed"),
            ("disputed", "disputed"),
            ("unresolved", "out of memory, no victim known"),
            ("zero", "none"),
            ("unseen", "not visible to the host"),
        )
    ]
    notes = []
    older = len(found) - len(shown)
    if older:
        notes.append(f"{words.some(older, 'older event')} since {words.utc_minute(found[0].time)} not drawn.")
    if later:
        notes.append(_later(later))
    timeless = sum(kill["time"] is None for _name, kill, counts, _unit in kills if counts)
    if timeless:
        notes.append(f"{words.some(timeless, 'kill')} without a time.")
    return tag("p", join(key, " "), " ", " ".join(notes), class_="muted legend")

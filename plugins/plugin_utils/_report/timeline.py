# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When it happened, as inline SVG: a histogram of the fleet, under it one lane per host with what that host
cannot see.
"""

from __future__ import annotations

import typing as t

from . import words
from .fleet import is_counted, urgency
from .host import Json
from .markup import Html, join, scrolling, tag

#: (host, kill, counts)
Kills = t.Sequence[t.Tuple[str, Json, bool]]

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
_LEFT, _WIDTH, _RIGHT = 190, 1200, 20
_TOP, _BARS, _AXIS, _LANE = 18, 110, 22, 20
_SCALE = _WIDTH - _LEFT - _RIGHT


class Mark(t.NamedTuple):
    """An event on the time axis: kind is kill, disputed or unresolved."""

    time: float
    host: str
    kind: str


class Window(t.NamedTuple):
    start: float
    end: float
    step: int

    def x(self, when: float) -> float:
        share = (when - self.start) / (self.end - self.start)
        return round(_LEFT + _SCALE * min(max(share, 0.0), 1.0), 1)


def marks(report: Json, kills: Kills) -> list[Mark]:
    """Every event that has a time, oldest first."""
    found = [
        Mark(kill["time"], name, "kill" if is_counted(kill) else "disputed")
        for name, kill, counts in kills
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


def _bars(view: Window, shown: t.Sequence[Mark]) -> t.Iterator[Html]:
    bins = {}  # type: dict[int, dict[str, int]]
    for mark in shown:
        kinds = bins.setdefault(int((mark.time - view.start) // view.step), {})
        kinds[mark.kind] = kinds.get(mark.kind, 0) + 1
    tallest = max(sum(kinds.values()) for kinds in bins.values())
    yield tag("text", f"{tallest:,}", x=_LEFT - 8, y=_TOP + 10, class_="scale")
    yield tag("text", "0", x=_LEFT - 8, y=_TOP + _BARS, class_="scale")
    width = max(view.x(view.start + view.step) - _LEFT - 1, 1.5)
    for index in sorted(bins):
        begin = view.start + index * view.step
        y = float(_TOP + _BARS)
        title = f"{words.utc_minute(begin)} to {words.utc_minute(begin + view.step)}: " + ", ".join(
            f"{count:,} {_NOUN[kind]}" for kind, count in sorted(bins[index].items())
        )
        drawn = []
        for kind in ("kill", "disputed", "unresolved"):
            count = bins[index].get(kind, 0)
            if count:
                size = max(_BARS * count / tallest, 2.0)
                y -= size
                drawn.append(
                    tag(
                        "rect",
                        x=view.x(begin),
                        y=round(max(y, _TOP - 8), 1),
                        width=round(width, 1),
                        height=round(size, 1),
                        class_="m-" + kind,
                    )
                )
        yield tag("g", tag("title", title), *drawn)


_NOUN = {"kill": "killed", "disputed": "disputed", "unresolved": "without a known victim"}


def _now(view: Window, height: int) -> t.Iterator[Html]:
    """The end of the bar that is not over yet: a minute later the figure is the same."""
    x = view.x(view.end)
    yield tag("line", x1=x, x2=x, y1=_TOP - 4, y2=height, class_="now")
    yield tag("text", "now", tag("title", "when this report was made"), x=x, y=_TOP - 6, class_="tick")


def _dark(name: str, text: str, y: int, left: float, right: float) -> Html:
    """A time of which the host cannot speak."""
    rect = tag("rect", x=left, y=y + 3, width=round(right - left, 1), height=14, class_="unseen")
    return tag("g", tag("title", f"{name} {text}"), rect)


def _lane(view: Window, y: int, name: str, entry: Json, shown: t.Sequence[Mark]) -> t.Iterator[Html]:
    short = name if len(name) <= 26 else name[:23] + "..."
    yield tag("text", short, tag("title", name), x=_LEFT - 8, y=y + 14, class_="lane")
    yield tag("line", x1=_LEFT, x2=_LEFT + _SCALE, y1=y + 10, y2=y + 10, class_="base")
    since = entry["since"]
    if since is None or since > view.start:
        edge = view.x(view.end if since is None else since)
        text = (
            "does not say how far back it sees" if since is None else f"sees nothing before {words.utc_minute(since)}"
        )
        if edge > _LEFT:
            yield _dark(name, text, y, _LEFT, edge)
    known, until = entry["gathered_at"], entry["window"]["until"]
    ends = [when for when in (known, until) if when is not None]
    end = min(ends, default=view.end)
    if since is not None and end < view.end - view.step:
        text = (
            f"was asked for kills until {words.utc_minute(end)} only"
            if end == until
            else f"was asked at {words.utc_minute(end)}, and not since"
        )
        yield _dark(name, text, y, max(view.x(end), view.x(since)), view.x(view.end))
    spots = {}  # type: dict[tuple[int, str], list[Mark]]
    for mark in shown:
        spots.setdefault((int(view.x(mark.time) // 6), mark.kind), []).append(mark)
    for (_spot, kind), group in sorted(spots.items()):
        title = f"{name}, {words.utc(group[0].time)}: {len(group):,} {_NOUN[kind]}"
        size = round(min(3.2 + 0.9 * (len(group) - 1) ** 0.5, 8.0), 1)
        yield tag(
            "g", tag("title", title), tag("circle", cx=view.x(group[0].time), cy=y + 10, r=size, class_="m-" + kind)
        )


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
    drawn = lanes[:_MOST_LANES]
    height = _TOP + _BARS + _AXIS + _LANE * len(drawn) + 4
    parts = [tag("title", f"{len(shown):,} events from {words.utc_minute(view.start)} to {words.utc_minute(view.end)}")]
    parts.extend(_ticks(view, height))
    parts.append(tag("line", x1=_LEFT, x2=_LEFT + _SCALE, y1=_TOP + _BARS, y2=_TOP + _BARS, class_="axis"))
    parts.extend(_bars(view, shown))
    for index, (name, entry) in enumerate(drawn):
        parts.extend(_lane(view, _TOP + _BARS + _AXIS + _LANE * index, name, entry, of_host[name]))
    parts.extend(_now(view, height))
    svg = tag("svg", join(parts), viewBox=f"0 0 {_WIDTH} {height}", role="img", class_="timeline")
    return join([scrolling("Events by time", svg), _notes(kills, found, shown, later, len(lanes) - len(drawn))])


def _nothing(report: Json, kills: Kills) -> str:
    """Why there is no figure."""
    if kills or any(entry["oom"] and entry["oom"]["unresolved"] for entry in report["hosts"].values()):
        return "No event with a known time."
    return words.no_kills(report)


def _later(count: int) -> str:
    return f"{words.some(count, 'event')} with a time after this report was made not drawn." if count else ""


def _notes(kills: Kills, found: t.Sequence[Mark], shown: t.Sequence[Mark], later: int, hidden: int) -> Html:
    key = [
        tag("span", tag("i", class_="k-" + kind), " " + text, class_="key")
        for kind, text in (
            ("kill", "killed"),
            ("disputed", "disputed"),
            ("unresolved", "out of memory, no victim known"),
            ("unseen", "not visible to the host"),
        )
    ]
    notes = []
    older = len(found) - len(shown)
    if older:
        notes.append(f"{words.some(older, 'older event')} since {words.utc_minute(found[0].time)} not drawn.")
    if later:
        notes.append(_later(later))
    if hidden:
        notes.append(f"{words.some(hidden, 'more host')} with events not drawn.")
    timeless = sum(kill["time"] is None for _name, kill, counts in kills if counts)
    if timeless:
        notes.append(f"{words.some(timeless, 'kill')} without a time.")
    return tag("p", join(key, " "), " ", " ".join(notes), class_="muted legend")
